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

[[ $(uname -m) == x86_64 ]] || { echo "libunwind is the judge on x86-64 alone"; finish; }

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
