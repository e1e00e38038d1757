#!/bin/bash
# SPDX-License-Identifier: MIT
#
# against_libunwind.sh - every stack is the one that libunwind finds: a test build of the library asks it at each capture
# of a program made of hazards (in many builds) and of real programs. Two builds that are wrong on purpose
# must be caught. UNWIND_CAPTURES=N: the real programs again and again until N captures were compared.
# timeout: 600
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/oracle.sh"
. "$SRC/tests/e2e/workloads.sh"

<<<<<<< HEAD
[[ $(uname -m) == x86_64 ]] || { echo "libunwind is the judge on x86-64 alone"; finish; }
=======
[[ $(uname -m) == x86_64 ]] || { echo "no engine of our own to compare on $(uname -m)"; finish; }

# compare LIBRARY COMMAND...: adds to $compared and $cut, sets $mismatches to what this command brought.
compared=0 cut=0
compare() {
	local with=$1 log=$WORK/check.log counts
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

test_library check -DSHIM_UNWIND_CHECK
check=$library
test_library trusting "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=1"
trusting=$library
test_library frameless "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=2"
frameless=$library
>>>>>>> 55e7bae (objects: no capture and no forked child waits for the loader's locks)

oracle_libraries
hazards=$SRC/tests/programs/unwind_hazards.cc
for compiler in "$CXX" clang++; do
	i=0
	for flags in -O0 -O2 "-O3 -mavx2" "-O2 -fcf-protection" "-O2 -fno-omit-frame-pointer" "-Os -mstackrealign"; do
		[[ $flags != *avx2* ]] || grep -qw avx2 /proc/cpuinfo || continue
		# shellcheck disable=SC2086  # flags are words
		"$compiler" -g $flags -pthread -o "hazards$i" "$hazards" || bad "$compiler $flags does not compile the hazards"
		agrees "$compiler $flags" "./hazards$i"
		[[ $(cat checked.out) == "done" ]] || bad "$compiler $flags: not done"
		i=$((i + 1))
	done
done
# Cut are only stacks that are deeper than the setting, those of deep().
((cut > 0)) || bad "nothing was deeper than SHIM_DEPTH"

"$CXX" -g -O2 -pthread -o hazards "$hazards"
catches ./hazards

for name in stack_switch signal_alloc deep_recursion rust_panic cxx_exceptions dlopen_plugin threads_stress; do
	agrees "$name" "$PROGRAMS/$name"
done
while :; do
	for name in python3-malloc sqlite3 perl git-log cc1plus; do
		workload "$name"
		agrees "$name" "${command[@]}"
	done
	((compared < ${UNWIND_CAPTURES:-0} && failures == 0)) || break
done
echo "compared $compared, of which $cut were deeper than SHIM_DEPTH"
finish
