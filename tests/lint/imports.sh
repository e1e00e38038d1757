#!/bin/bash
# SPDX-License-Identifier: MIT
#
# imports.sh - what libshim.so calls outside itself is a decision: every undefined symbol stands in imports.txt with
# its reason, and no more than these; it needs libc alone, and none of it may be bound late or hold text relocations.
# A reason that begins with "aarch64:" is one of a library for that machine alone.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${ROOT:-$here/../..}" || exit 1
library=${B:-build}/libshim.so
list=${IMPORTS:-$here/imports.txt}
bad=0

fail() {
	echo "imports: $*"
	bad=1
}

dynamic=$(readelf -dW "$library")
for needed in $(sed -n 's/.*(NEEDED).*\[\(.*\)\].*/\1/p' <<<"$dynamic"); do
	[[ $needed == libc.so.6 || $needed == ld-linux-@(x86-64.so.2|aarch64.so.1) ]] || fail "the library needs $needed"
done
grep -q 'NODELETE' <<<"$dynamic" || fail "the library can be unloaded (-z nodelete is gone)"
grep -q 'BIND_NOW\|FLAGS_1.*NOW' <<<"$dynamic" || fail "symbols are bound late (-z now is gone)"
grep -q 'TEXTREL' <<<"$dynamic" && fail "there are relocations in the code"

elsewhere='aarch64:'
[[ $(readelf -hW "$library") != *Machine:*AArch64* ]] || elsewhere='x86-64:'
used=$(nm -D --undefined-only "$library" | awk '{ sub(/@.*/, "", $NF); print $NF }' | sort -u)
listed=$(grep -v "^[^#[:space:]]*[[:space:]]*$elsewhere" "$list" | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)[[:space:]].*/\1/p' | sort)
while read -r name; do
	[[ -z $name ]] || fail "$name is called but has no line in imports.txt"
done < <(comm -23 <(echo "$used") <(sort -u <<<"$listed"))
while read -r name; do
	[[ -z $name ]] || fail "$name stands in imports.txt but is not called"
done < <(comm -13 <(echo "$used") <(sort -u <<<"$listed"))
while read -r name; do
	[[ -z $name ]] || fail "$name stands in imports.txt twice"
done < <(uniq -d <<<"$listed")
while read -r line; do
	fail "no reason given: $line"
done < <(grep -v '^#' "$list" | awk 'NF == 1')

((bad == 0)) && echo "imports: fine ($(wc -l <<<"$used") symbols)"
exit $bad
