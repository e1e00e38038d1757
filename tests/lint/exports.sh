#!/bin/bash
# SPDX-License-Identifier: MIT
#
# exports.sh - libshim.so shows the program exactly what it must: the hooks of preload/hooks.def and the annotation API
# of preload/annotate.def. Three lists are compared: those files, preload/libshim.map, and the built library.
set -uo pipefail
cd "${ROOT:-$(dirname "${BASH_SOURCE[0]}")/../..}" || exit 1
library=${B:-build}/libshim.so
bad=0

compare() {
	local left=$1 right=$2 difference
	difference=$(diff <(echo "$3") <(echo "$4") | sed -n "s/^< /  only in $left: /p;s,^> ,  only in $right: ,p")
	[[ -z $difference ]] && return
	echo "exports: $left and $right differ"
	echo "$difference"
	bad=1
}

# HOOK(name, …) and its like: the first argument of every line that begins with a macro in capitals.
defined=$(sed -n 's/^[A-Z_]*([[:space:]]*\([A-Za-z_][A-Za-z0-9_]*\).*/\1/p' preload/*.def | sort -u)
# The names between "global:" and "local:", comments off.
mapped=$(sed 's,/\*.*\*/,,' preload/libshim.map | tr -s '{}; \t' '\n' |
	awk '/^global:$/ { on = 1; next } /^local:$/ { on = 0 } on && NF' | sort -u)
exported=$(nm -D --defined-only "$library" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort -u)
tr -s ' \t\n' ' ' <preload/libshim.map | grep -q 'local: *\*;' || { echo "exports: the map does not end in local: *"; bad=1; }
[[ -n $defined && -n $exported ]] || { echo "exports: an empty list"; bad=1; }

compare "the .def files" "libshim.map" "$defined" "$mapped"
compare "libshim.map" "libshim.so" "$mapped" "$exported"
((bad == 0)) && echo "exports: fine ($(wc -l <<<"$exported") symbols)"
exit $bad
