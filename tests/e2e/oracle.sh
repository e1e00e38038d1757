# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# oracle.sh - what the comparisons of stacks share: builds of the library that ask another unwinder for every stack
# (preload/unwind_check.h), and how many differ. Sourced after lib.sh.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh

# library NAME FLAGS: builds the library with FLAGS below the build directory; sets $library.
library() {
	local to=$BUILD/unwind/$1
	(cd "$SRC" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make B="$to" CC="$CC" CPPFLAGS="$2" "$to/libshim.so") \
		>"build-$1.out" 2>&1 || { bad "the library does not build with $2"; tail -n 20 "build-$1.out"; finish; }
	library=$to/libshim.so
}

# oracle_libraries: $check, and two that are wrong on purpose and must be caught: $trusting and $frameless.
oracle_libraries() {
	library check -DSHIM_UNWIND_CHECK
	check=$library
	library trusting "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=1"
	trusting=$library
	library frameless "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=2"
	frameless=$library
}

# compare LIBRARY COMMAND...: adds to $compared and $cut, sets $mismatches to what this command brought.
compared=0 cut=0
compare() {
	local with=$1 log=$WORK/check.log counts n c
	shift
	rm -f "$log"
	(export SHIM_OUTPUT=$WORK/check.%p.zst UNWIND_CHECK_LOG=$log
	 PRELOAD=$with run checked "$@")
	rm -f "$WORK"/check.*.zst*
	counts=$(awk '/^unwind-check:/ { n += $7; m += $9; c += $11 } END { print n + 0, m + 0, c + 0 }' "$log" 2>/dev/null)
	read -r n mismatches c <<<"${counts:-0 0 0}"
	((compared += n, cut += c))
	((n > 0)) || bad "$*: nothing was compared (status $(cat checked.status))"
}

# agrees NAME COMMAND...
agrees() {
	local name=$1
	shift
	compare "$check" "$@"
	((mismatches == 0)) || { bad "$name: $mismatches stacks differ"; grep -m1 -A40 '^mismatch' check.log; }
}

# catches COMMAND...: on it each of the two wrong builds differs.
catches() {
	compare "$trusting" "$@"
	((mismatches > 0)) || bad "$*: a build that trusts what it saw last was not caught"
	compare "$frameless" "$@"
	((mismatches > 0)) || bad "$*: a build that ignores frame pointers was not caught"
}
