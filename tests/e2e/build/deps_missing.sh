#!/bin/bash
# SPDX-License-Identifier: MIT
#
# deps_missing.sh - `make deps` notices what is missing, names the one command that helps, and does nothing when all is
# there or when it may not install.
source "$SRC/tests/e2e/lib.sh"

"$SRC/.ci/deps" --check build test >out 2>&1 || bad "something is missing where tests run: $(cat out)"
[[ ! -s out ]] || bad "not silent: $(cat out)"

# A world without jq and zstd, where there is no apt-get either, then one where there is.
mkdir bin
IFS=: read -ra folders <<<"$PATH:/usr/sbin:/sbin"
for folder in "${folders[@]}"; do
	for file in "$folder"/*; do
		[[ ${file##*/} == @(jq|zstd|sudo|apt-get|dpkg) || -e bin/${file##*/} ]] || ln -s "$file" bin/
	done
done
PATH=$WORK/bin "$SRC/.ci/deps" build test >out 2>&1 && bad 'status 0 without jq'
grep -q 'no apt-get here.* zstd jq$' out || bad "without apt-get: $(cat out)"
printf '#!/bin/sh\ntouch %s/called\n' "$WORK" >bin/apt-get
chmod +x bin/apt-get
PATH=$WORK/bin "$SRC/.ci/deps" --check build test >out 2>&1 && bad 'status 0 with --check'
[[ $(tail -n 1 out) == 'sudo apt-get install -y --no-install-recommends zstd jq' ]] || bad "the command: $(cat out)"
[[ ! -e called ]] || bad '--check called apt-get'
PATH=$WORK/bin "$SRC/.ci/deps" build >out 2>&1 || bad "the build needs neither: $(cat out)"

# Libraries of another machine, none of which are there, and a package manager that has not heard of it.
mkdir -p tree/.ci
sed 's,file:/usr/lib/aarch64,file:/nowhere/aarch64,' "$SRC/.ci/deps" >tree/.ci/deps
printf '#!/bin/sh\n[ "$1" != --print-architecture ] || echo amd64\n' >bin/dpkg
chmod +x bin/dpkg
PATH=$WORK/bin bash tree/.ci/deps --check cross >out 2>&1 && bad 'status 0 without arm64'
grep -qx 'sudo dpkg --add-architecture arm64 && sudo apt-get update && sudo apt-get install .*libzstd-dev:arm64 .*' out ||
	bad "the command for arm64: $(cat out)"
printf '#!/bin/sh\necho arm64\n' >bin/dpkg
PATH=$WORK/bin bash tree/.ci/deps --check cross >out 2>&1 && bad 'status 0 without its libraries'
grep -q '^sudo apt-get install .*libzstd-dev:arm64 ' out || bad "the command where arm64 is known: $(cat out)"
"$SRC/.ci/deps" no-such-group >out 2>&1 && bad 'an unknown group is fine'
finish
