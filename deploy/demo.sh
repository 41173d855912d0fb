#!/bin/sh
# The demonstration: starts a cluster of three regions, compares the two kinds of file system on
# real files, and stops the cluster again, also when interrupted.
set -eu
: "${ATOLL:?the program}" "${DEMO_DIR:?a data directory}" "${REPORT:=atoll-report}"
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
say "a cluster of three regions, three nodes a region, links shaped by the map of AWS's regions"
"$ATOLL" up --detach --regions us-east-1,eu-west-1,ap-northeast-1 --nodes-per-region 3 --map aws --data-dir "$DEMO_DIR"
export ATOLL_CLUSTER="$DEMO_DIR"
say "one network file system, one volume"
"$ATOLL" nfs create demo-nfs --primary us-east-1
"$ATOLL" volume create demo-volume --region us-east-1
"$ATOLL" regions
say "the comparison, on real files"
# shellcheck disable=SC2086
"$ATOLL" compare --live --seconds 200 --report "$REPORT" ${INPUT:+--input "$INPUT"}
say "the report: $REPORT/report.html (also report.md and report.json)"
