#!/bin/sh
# The demonstration: starts a cluster of three regions, compares the two kinds of file system on
# real files, breaks and mends the cluster meanwhile, and stops it again, also when interrupted.
# DEMO_NODES (a region), DEMO_SECONDS and DEMO_OPTIONS (of compare) make it smaller or larger.
set -eu
: "${ATOLL:?the program}" "${DEMO_DIR:?a data directory}" "${REPORT:=atoll-report}"
: "${DEMO_NODES:=3}" "${DEMO_SECONDS:=190}" "${DEMO_OPTIONS:=}"
say() { printf '\n== %s\n' "$*" >&2; }
stop() {
    status=$?
    trap - EXIT INT TERM
    "$ATOLL" down --data-dir "$DEMO_DIR" >/dev/null 2>&1 || true
    rm -rf "$DEMO_DIR"
    exit $status
}
"$ATOLL" down --data-dir "$DEMO_DIR" >/dev/null 2>&1 || true
rm -rf "$DEMO_DIR"
trap stop EXIT
trap 'exit 130' INT TERM
say "a cluster of three regions, nodes in each: $DEMO_NODES, links shaped by the map of AWS's regions"
"$ATOLL" up --detach --regions us-east-1,eu-west-1,ap-northeast-1 --nodes-per-region "$DEMO_NODES" --map aws --data-dir "$DEMO_DIR"
export ATOLL_CLUSTER="$DEMO_DIR"
say "one network file system, one volume"
"$ATOLL" nfs create demo-nfs --primary us-east-1
"$ATOLL" volume create demo-volume --region us-east-1
"$ATOLL" regions
say "the comparison of the two, on real files"
# shellcheck disable=SC2086
"$ATOLL" compare --live --nfs demo-nfs --volume demo-volume --seconds "$DEMO_SECONDS" --report "$REPORT" \
    ${INPUT:+--input "$INPUT"} $DEMO_OPTIONS
say "the report: $REPORT/report.html (also report.md and report.json)"
