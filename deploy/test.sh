#!/bin/sh
# Runs every test of what is built in the folder given, in parts. Tests over sockets do not share their threads with
# those that compute for minutes: connections would time out. Tests that start processes use the program of the same
# build, and run one after the other, by themselves: they block their threads, and a process that is started while
# another is being started may inherit what is not its own. Those that kill nodes for minutes and mostly wait have a
# process of their own beside the others.
set -eu
scratch=$1
ATOLL_BINARY=$(./deploy/binary-path.sh "$scratch" debug)
export ATOLL_BINARY
run() { SWIFT_DETERMINISTIC_HASHING=1 swift test --scratch-path "$scratch" --skip-build "$@"; }
sockets='^(ControlPlaneTests|TransportTests)\.'
# Those that look at the time and the processor.
alone='^ProcessTests\..*/(StartTests|FailoverTests|RegionsTests)/'
beside='^ProcessTests\..*/KillTests/'
run --filter "$sockets"
run --skip "$sockets" --skip '^ProcessTests\.'
run --no-parallel --filter "$alone"
log=$(mktemp)
killers=
trap 'rm -f "$log"; [ -z "$killers" ] || kill "$killers" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
# The tests' own program: SwiftPM runs one at a time.
bundle=$(dirname "$ATOLL_BINARY")/atollPackageTests.xctest
"$bundle" --testing-library swift-testing --no-parallel --filter "$beside" >"$log" 2>&1 &
killers=$!
status=0
run --no-parallel --filter '^ProcessTests\.' --skip "$beside" --skip "$alone" || status=$?
wait "$killers" || status=$?
killers=
cat "$log"
grep -q 'Test run with [1-9]' "$log" || { echo "the tests that kill nodes did not run" && exit 1; }
exit "$status"
