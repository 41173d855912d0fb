#!/bin/sh
# Runs every test of what is built in the folder given, in three parts. Tests over sockets do not
# share their threads with those that compute for minutes: connections would time out. Tests that
# start processes use the program of the same build, and run one after the other, by themselves:
# they block their threads, and a process that is started while another is being started may inherit
# what is not its own.
set -eu
scratch=$1
ATOLL_BINARY=$(./deploy/binary-path.sh "$scratch" debug)
export ATOLL_BINARY
run() { SWIFT_DETERMINISTIC_HASHING=1 swift test --scratch-path "$scratch" --skip-build "$@"; }
sockets='^(ControlPlaneTests|TransportTests)\.'
run --filter "$sockets"
run --skip "$sockets" --skip '^ProcessTests\.'
run --no-parallel --filter "^ProcessTests\."
