#!/bin/sh
# Prints where SwiftPM put the program: binary-path.sh SCRATCH CONFIGURATION
set -eu
for folder in "$1"/*/"$2" "$1/$2"; do
    [ -x "$folder/atoll" ] && { cd "$folder" && echo "$PWD/atoll"; exit 0; }
done
echo "no program under $1; build it first" >&2
exit 1
