# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# oracle.sh - what the comparisons of stacks share: builds of the library that ask another unwinder for every stack
# (preload/unwind_check.h), and how many differ. Sourced after lib.sh.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh

# oracle_libraries: $current, the library that $check is at first, and two that are wrong on purpose and must be
# caught: $trusting and $frameless.
oracle_libraries() {
	test_library check -DSHIM_UNWIND_CHECK
	current=$library check=$library
	test_library trusting "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=1"
	trusting=$library
	test_library frameless "-DSHIM_UNWIND_CHECK -DSHIM_UNWIND_MUTANT=2"
	frameless=$library
}

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

# agrees_on_hazards NAME PROGRAM: a build of unwind_hazards.cc, whose deep() alone goes deeper than is kept.
agrees_on_hazards() {
	agrees "$@"
	[[ $(cat checked.out) == "done" ]] || bad "$1: not done"
	((${cut[$1]} > 0)) || bad "$1: nothing was deeper than SHIM_DEPTH"
}

# catches COMMAND...: on it each of the two wrong builds differs.
catches() {
	compare "$trusting" "mutant without verification" "$@"
	((mismatches > 0)) || bad "$*: a build that trusts what it saw last was not caught"
	compare "$frameless" "mutant without frame pointers" "$@"
	((mismatches > 0)) || bad "$*: a build that ignores frame pointers was not caught"
}

# All of it, to standard output and $BUILD/unwind/table.md.
table() {
	local name
	{
		echo '| program | captures | mismatches | deeper than SHIM_DEPTH | ended in unknown code |'
		echo '|---|---|---|---|---|'
		for name in "${names[@]}"; do
			echo "| $name | ${captures[$name]} | ${differing[$name]} | ${cut[$name]} | ${ended[$name]} |"
		done
		echo "compared $compared"
	} | tee "$BUILD/unwind/table.md"
}
