#!/bin/sh
# Runs every test of what is built in the folder given. Tests that start processes use the program
# of the same build.
set -eu
scratch=$1
ATOLL_BINARY=$(./deploy/binary-path.sh "$scratch" debug)
export ATOLL_BINARY
exec env SWIFT_DETERMINISTIC_HASHING=1 swift test --scratch-path "$scratch" --skip-build
