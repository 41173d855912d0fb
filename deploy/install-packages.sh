#!/bin/sh
# Installs the Debian packages named, where they are missing. Needs root, or sudo.
set -eu
missing=""
for package in "$@"; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
echo "installing:$missing" >&2
run=""
[ "$(id -u)" = 0 ] || run="sudo"
# shellcheck disable=SC2086
$run apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 || {
    $run apt-get update >/dev/null
    $run apt-get install -y --no-install-recommends $missing >/dev/null
}
