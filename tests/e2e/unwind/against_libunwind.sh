#!/bin/bash
# SPDX-License-Identifier: MIT
#
# against_libunwind.sh - every stack is the one that libunwind finds: a test build of the library asks it at each capture
# of a program made of hazards (in many builds) and of real programs; a second one for an older glibc. Two builds
# that are wrong on purpose must be caught. UNWIND_CAPTURES=N (make check-unwind): the real programs again and again
# until N captures were compared.
# timeout: 1200
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh, oracle.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/oracle.sh"
. "$SRC/tests/e2e/workloads.sh"

[[ $(uname -m) == x86_64 ]] || { echo "libunwind is the judge on x86-64 alone"; finish; }

oracle_libraries
test_library old-check "-DSHIM_UNWIND_CHECK -DSHIM_OLD_LOADER=1"
old=$library

hazards=$SRC/tests/programs/unwind_hazards.cc
for compiler in "$CXX" clang++; do
	i=0
	for flags in -O0 -O2 "-O3 -mavx2" "-O2 -fcf-protection" "-O2 -fno-omit-frame-pointer" "-Os -mstackrealign"; do
		[[ $flags != *avx2* ]] || grep -qw avx2 /proc/cpuinfo || continue
		name="hazards, $compiler $flags"
		# shellcheck disable=SC2086  # flags are words
		"$compiler" -g $flags -pthread -o "hazards$i" "$hazards" || bad "$name does not compile"
		agrees_on_hazards "$name" "./hazards$i"
		i=$((i + 1))
	done
done
"$CXX" -g -O2 -pthread -o hazards "$hazards"
check=$old
agrees "hazards, older glibc" ./hazards
for name in sqlite3 python3-malloc; do
	workload "$name"
	agrees "$name, older glibc" "${command[@]}"
done
INPUT=/dev/null
environment=()
check=$current
for name in stack_switch stack_gone signal_alloc deep_recursion rust_panic cxx_exceptions dlopen_plugin threads_stress \
	fork_tree; do
	agrees "$name" "$PROGRAMS/$name"
done
while :; do
	for name in "${STACK_WORKLOADS[@]}"; do
		workload "$name"
		agrees "$name" "${command[@]}"
	done
	((compared < ${UNWIND_CAPTURES:-0} && failures == 0)) || break
done
INPUT=/dev/null
environment=()

# Only node's own code, which nothing describes, ends a stack early: where one of its builtins has no frame libunwind takes
# a number for the return address and goes on from there.
for name in "${names[@]}"; do
	[[ $name == node ]] || ((${ended[$name]} == 0)) || bad "$name: ${ended[$name]} stacks end in code that is described"
done
table
catches ./hazards
finish
