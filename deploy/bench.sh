#!/bin/sh
# Measures what docs/benchmarks.md promises, one thing after the other, and prints each figure beside its aim. Nothing
# here fails because a machine is slow: the figures are for reading.
# BENCH_PARTS (cluster losing compare chunks raft) chooses, BENCH_SECONDS bounds the comparison.
set -eu
: "${ATOLL:?the program}" "${BENCH_DIR:?a data directory}" "${REPORT:=atoll-report}"
: "${BENCH_PARTS:=cluster losing compare chunks raft}" "${BENCH_SECONDS:=190}" "${REVISION:=unknown}"
say() { printf '\n== %s\n' "$*"; }
now() { date +%s%N; }
ms() { echo $((($(now) - $1) / 1000000)); }
stop() {
    status=$?
    trap - EXIT INT TERM
    "$ATOLL" down --data-dir "$BENCH_DIR" >/dev/null 2>&1 || true
    rm -rf "$BENCH_DIR"
    exit $status
}
wants() { case " $BENCH_PARTS " in *" $1 "*) true ;; *) false ;; esac }
# Processor time of all nodes in hundredths of a second: utime and stime of proc(5).
ticks() {
    total=0
    for node in "$BENCH_DIR"/nodes/*/node.json; do
        pid=$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$node")
        total=$((total + $(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')))
    done
    echo "$total"
}
node_name() { "$ATOLL" status | awk -v id="$1" '$1 == id { print $2 }'; }
region_of() { "$ATOLL" status | awk -v id="$1" '$1 == id { print $3 }'; }

"$ATOLL" down --data-dir "$BENCH_DIR" >/dev/null 2>&1 || true
rm -rf "$BENCH_DIR"
trap stop EXIT
trap 'exit 130' INT TERM
export ATOLL_CLUSTER="$BENCH_DIR"
say "revision $REVISION, $("$ATOLL" --version), $(nproc) processors, $(uname -sr)"

if wants cluster || wants losing || wants compare; then
    say "a cluster of three regions with three nodes each, links shaped by the map of AWS's regions"
    begin=$(now)
    "$ATOLL" up --detach --regions us-east-1,eu-west-1,ap-northeast-1 --nodes-per-region 3 --map aws >/dev/null
    echo "nine nodes ready after $(ms "$begin") ms (aim 10,000)"
fi
if wants cluster; then
    sleep 5
    before=$(ticks)
    sleep 10
    echo "idle: $(($(ticks) - before)) hundredths of a second of processor time in 10 s by nine processes (aim 100)"
    echo "round trips, ms: between, map, median, 99 of 100, samples, over the map"
    "$ATOLL" regions
fi
if wants compare; then
    say "the comparison"
    "$ATOLL" nfs create demo-nfs --primary us-east-1
    "$ATOLL" volume create demo-volume --region us-east-1
    "$ATOLL" compare --live --nfs demo-nfs --volume demo-volume --seconds "$BENCH_SECONDS" --report "$REPORT"
fi
if wants losing; then
    say "losing a node"
    "$ATOLL" volume create lost --region us-east-1
    echo first | "$ATOLL" volume put lost - /first --wait all
    for round in 1 2 3; do
        id=$("$ATOLL" volume status lost --json | sed 's/.*"group":\([0-9]*\).*/\1/')
        id=$("$ATOLL" status --json | sed "s/.*\"group\":$id,\"filesystem\":\"[^\"]*\",\"role\":\"[a-z]*\",\"term\":[0-9]*,\"leader\":\([0-9]*\).*/\1/")
        name=$(node_name "$id") region=$(region_of "$id")
        for other in us-east-1 eu-west-1 ap-northeast-1; do [ "$other" = "$region" ] || break; done
        begin=$(now)
        "$ATOLL" fault kill "$name" >/dev/null
        echo "$round" | "$ATOLL" volume put lost - "/after-$round" --region "$other" --timeout 30 >/dev/null
        echo "leader $name killed: a commit from $other is answered after $(ms "$begin") ms (aim 4,000)"
        # One line of each member's view of the dead one; those of the dead one itself are not there.
        until [ "$("$ATOLL" members | awk -v dead="$name" '$2 == dead && $4 != "alive" && $4 != "suspect"' | wc -l)" -ge 8 ]; do
            [ "$(ms "$begin")" -lt 60000 ] || break
            sleep 0.1
        done
        echo "the other eight know after $(ms "$begin") ms (aim 8,000)"
        "$ATOLL" fault restart "$name" >/dev/null
        until [ "$("$ATOLL" members | awk -v name="$name" '$2 == name && $4 == "alive"' | wc -l)" -ge 9 ]; do
            [ "$(ms "$begin")" -lt 120000 ] || break
            sleep 0.2
        done
    done
fi
"$ATOLL" down --data-dir "$BENCH_DIR" >/dev/null 2>&1 || true
if wants chunks; then
    say "chunking, hashing, compressing (aims: 65 % a core of one after the other, 1 GB/s of what is there already)"
    "$ATOLL" bench chunks
fi
if wants raft; then
    say "consensus, three processes on loopback"
    "$ATOLL" bench raft
fi
