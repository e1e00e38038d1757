#!/bin/bash
# SPDX-License-Identifier: MIT
#
# run.sh - run tests: cmocka programs and shell scripts, a few at a time, each in a directory of its own.
#
#   tests/run.sh [-j JOBS] [-m WORD] [-e EMULATOR] [-v] TEST...
#
# -m: only tests with WORD in their path. -e: what is in $B is for another machine, and EMULATOR runs it: cmocka
# programs here, the scripts find it in $EMULATOR. Their tool is then that of $TOOL, a build for this machine.
# -v: show what each prints, also if it passes.
# tests/README.md says what a test may rely on. The last line is always "N passed, N failed"; the exit
# status is 0 only if something ran and nothing failed. A test that skips itself has failed, unless
# its reason is one of those listed under "Permitted skips" in tests/README.md.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$(cd "$root" && mkdir -p "${B:-build}" && cd "${B:-build}" && pwd)
tool=$(cd "$root" && cd "${TOOL:-$build}" && pwd)
readme=${TESTS_README:-$root/tests/README.md}
jobs=2
word=
emulator=
verbose=
while getopts j:m:e:v option; do
	case $option in
	j) jobs=$OPTARG ;;
	m) word=$OPTARG ;;
	e) emulator=$OPTARG ;;
	v) verbose=1 ;;
	*) exit 1 ;;
	esac
done
shift $((OPTIND - 1))

# A clean, equal ground: none of the caller's settings of the library, no preload, one locale and zone.
for variable in ${!SHIM_@} LD_PRELOAD DEBUGINFOD_URLS; do
	unset "$variable"
done
export LC_ALL=C.UTF-8 TZ=UTC
export SRC=$root BUILD=$build PROGRAMS=$build/tests/programs
export SHIM_LIB=$build/libshim.so SHIM_ANALYZE=$tool/shim-analyze SHIM_RUN=$tool/shim-run EMULATOR=$emulator
export CC=${CC:-gcc} CXX=${CXX:-g++}
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}

scratch=$(mktemp -d "${TMPDIR:-/tmp}/shim-tests.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir "$scratch/results"

# Lines "- `reason`" of the section "Permitted skips".
permitted_skip() {
	awk -v reason="$1" '
		/^#/ { inside = /Permitted skips/ }
		inside && index($0, "- `" reason "`") == 1 { found = 1 }
		END { exit !found }' "$readme"
}

# Seconds that a test may take: its own "timeout: N" comment in the first 20 lines, or 120.
time_limit() {
	local own=
	[[ $1 == *.sh ]] && own=$(sed -n '1,20s/^# timeout: \([0-9]*\).*/\1/p' "$1" | head -n 1)
	echo "${own:-120}"
}

# Turn a status and a log into "PASSED FAILED SKIPPED WORD".
judge() {
	local status=$1 log=$2 passed started
	passed=$(grep -c '^\[       OK \]' "$log")
	started=$(sed -n 's/^\[==========\] Running \([0-9]*\) test.*/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
	if ((status == 77)); then
		if permitted_skip "$(tail -n 1 "$log" | sed 's/^skip: //')"; then
			echo 0 0 1 skip
		else
			echo 0 1 0 'FAIL (a skip that tests/README.md does not permit)'
		fi
	elif ((status == 124 || status == 137)); then
		echo "$passed" 1 0 'FAIL (too slow, or killed)'
	elif ((status != 0)); then
		# A crash between two cases has no case of its own.
		local failed=$((started - passed))
		echo "$passed" $((failed > 0 ? failed : 1)) 0 "FAIL (exit status $status)"
	elif ((started != passed)); then
		echo "$passed" $((started - passed)) 0 'FAIL (a case was skipped or never ran)'
	elif ((started > 0)); then
		echo "$passed" 0 0 ok
	else
		echo 1 0 0 ok
	fi
}

run_one() {
	local number=$1 test=$2 name=$3 directory log status begin end passed failed skipped verdict
	directory=$scratch/$number
	log=$scratch/results/$number.log
	mkdir "$directory"
	local command=(${emulator:+"$emulator"} "$test")
	[[ $test == *.sh ]] && command=(bash "$test")
	begin=${EPOCHREALTIME/./}
	(
		cd "$directory" || exit 1
		export TMPDIR=$directory WORK=$directory
		exec timeout --kill-after=10 "$(time_limit "$test")" "${command[@]}"
	) >"$log" 2>&1 </dev/null
	status=$?
	end=${EPOCHREALTIME/./}
	read -r passed failed skipped verdict <<<"$(judge $status "$log")"
	echo "$passed $failed $skipped" >"$scratch/results/$number.count"
	{
		printf '%-6s%-44s %4d cases %6d ms%s\n' "${verdict%% *}" "$name" $((passed + failed)) \
			$(((end - begin) / 1000)) "${verdict#"${verdict%% *}"}"
		[[ $verdict == skip ]] && sed -n '$s/^/      /p' "$log"
		[[ -n $verbose ]] && sed 's/^/    | /' "$log"
		[[ $verdict == FAIL* && -z $verbose ]] && tail -n "${TESTS_LOG_LINES:-60}" "$log" | sed 's/^/    | /'
	} >"$scratch/results/$number.line"
	cat "$scratch/results/$number.line"
	rm -rf "$directory"
}

number=0
for test; do
	[[ -z $word || $test == *"$word"* ]] || continue
	[[ $test == /* ]] || test=$root/$test
	name=${test#"$build/"}
	name=${name#"$root/"}
	name=${name#tests/}
	if [[ ! -f $test ]]; then
		echo "FAIL  $name: there is no such test"
		echo 0 1 0 >"$scratch/results/$number.count"
		((++number))
		continue
	fi
	while (($(jobs -rp | wc -l) >= jobs)); do
		wait -n
	done
	run_one $number "$test" "$name" &
	((++number))
done
wait

read -r passed failed skipped <<<"$(cat "$scratch"/results/*.count 2>/dev/null |
	awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')"
((skipped == 0)) || echo "$skipped skipped"
grep -h '^FAIL' "$scratch"/results/*.line 2>/dev/null | sed 's/^/again: /'
((number > 0)) || echo "no test was given, or none matches '$word'"
echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
