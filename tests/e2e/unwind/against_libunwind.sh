#!/bin/bash
# SPDX-License-Identifier: MIT
#
# against_libunwind.sh - every stack is the one that libunwind finds: a test build of the library asks it at each capture
# of a program made of hazards (in many builds) and of real programs; a second one for an older glibc. Two builds
# that are wrong on purpose must be caught. UNWIND_CAPTURES=N (make check-unwind): the real programs again and again
# until N captures were compared.
# timeout: 1200
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/workloads.sh"

[[ $(uname -m) == x86_64 ]] || { echo "no engine of our own to compare on $(uname -m)"; finish; }

# Of each program, all runs together.
declare -A captures=() differing=() cut=() ended=()
names=()
compared=0

# compare LIBRARY NAME COMMAND...: adds to NAME's numbers; sets $mismatches to what this command brought.
compare() {
	local with=$1 name=$2 log=$WORK/check.log counts n c e
	shift 2
	rm -f "$log"
	(export SHIM_OUTPUT=$WORK/check.%p.zst UNWIND_CHECK_LOG=$log
	 PRELOAD=$with run checked "$@")
	rm -f "$WORK"/check.*.zst*
	counts=$(awk '/^unwind-check:/ { n += $7; m += $9; c += $11; e += $13 } END { print n + 0, m + 0, c + 0, e + 0 }' \
		"$log" 2>/dev/null)
	read -r n mismatches c e <<<"${counts:-0 0 0 0}"
	[[ -n ${captures[$name]-} ]] || names+=("$name")
	captures[$name]=$((${captures[$name]-0} + n))
	differing[$name]=$((${differing[$name]-0} + mismatches))
	cut[$name]=$((${cut[$name]-0} + c))
	ended[$name]=$((${ended[$name]-0} + e))
	compared=$((compared + n))
	((n > 0)) || bad "$name: nothing was compared (status $(cat checked.status))"
}

# agrees NAME COMMAND...
agrees() {
	compare "$check" "$@"
	((mismatches == 0)) || { bad "$1: $mismatches stacks differ"; grep -m1 -A40 '^mismatch' check.log; }
}

table() {
	local name
	echo '| program | captures | mismatches | deeper than SHIM_DEPTH | ended in unknown code |'
	echo '|---|---|---|---|---|'
	for name in "${names[@]}"; do
		echo "| $name | ${captures[$name]} | ${differing[$name]} | ${cut[$name]} | ${ended[$name]} |"
	done
}

test_library check -DSHIM_UNWIND_CHECK
current=$library
test_library old-check "-DSHIM_UNWIND_CHECK -DSHIM_OLD_LOADER=1"
old=$library
test_library trusting "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=1"
trusting=$library
test_library frameless "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=2"
frameless=$library

hazards=$SRC/tests/programs/unwind_hazards.cc
check=$current
for compiler in "$CXX" clang++; do
	i=0
	for flags in -O0 -O2 "-O3 -mavx2" "-O2 -fcf-protection" "-O2 -fno-omit-frame-pointer" "-Os -mstackrealign"; do
		[[ $flags != *avx2* ]] || grep -qw avx2 /proc/cpuinfo || continue
		name="hazards, $compiler $flags"
		# shellcheck disable=SC2086  # flags are words
		"$compiler" -g $flags -pthread -o "hazards$i" "$hazards" || bad "$name does not compile"
		agrees "$name" "./hazards$i"
		[[ $(cat checked.out) == "done" ]] || bad "$name: not done"
		((${cut[$name]} > 0)) || bad "$name: nothing was deeper than SHIM_DEPTH"
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
table | tee "$BUILD/unwind/table.md"
echo "compared $compared" | tee -a "$BUILD/unwind/table.md"

compare "$trusting" "mutant without verification" ./hazards
((mismatches > 0)) || bad "a build that trusts what it saw last was not caught"
compare "$frameless" "mutant without frame pointers" ./hazards
((mismatches > 0)) || bad "a build that ignores frame pointers was not caught"
finish
