# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# lib.sh - shared parts of the end-to-end scripts; sourced, never run. tests/README.md says what is in the
# environment. A script collects failures with `bad` and ends with `finish`.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh

set -uo pipefail
E2E=$SRC/tests/e2e
failures=0

bad() {
	echo "FAIL $*"
	failures=$((failures + 1))
}

finish() {
	echo "$failures failures"
	exit $((failures > 0))
}

# run PREFIX COMMAND...: run it in the background with standard input from $INPUT (default: none) and wait.
# Leaves PREFIX.out, PREFIX.err, PREFIX.status and PREFIX.pid. COMMAND alone gets $PRELOAD, if set, as LD_PRELOAD
# and the assignments of the array `environment`: this shell is not traced, and no env stands between.
# An $EMULATOR, which is a program of this machine, hands $PRELOAD on to the COMMAND that it runs (as qemu-user does).
# Never fails.
environment=()
run() {
	local prefix=$1 pid status
	shift
	(
		((${#environment[@]} == 0)) || export "${environment[@]}"
		if [[ -n ${EMULATOR-} ]]; then
			set -- "$EMULATOR" ${PRELOAD:+-E "LD_PRELOAD=$PRELOAD"} "$@"
		elif [[ -n ${PRELOAD-} ]]; then
			export LD_PRELOAD=$PRELOAD
		fi
		export -n PRELOAD INPUT
		exec "$@"
	) <"${INPUT:-/dev/null}" >"$prefix.out" 2>"$prefix.err" &
	pid=$!
	wait "$pid" 2>/dev/null
	status=$?
	echo "$status" >"$prefix.status"
	echo "$pid" >"$prefix.pid"
}

# traced DIRECTORY COMMAND...: the same with the library. The traces come into DIRECTORY, named PID.zst (and
# PID.zst.1 and so on after an exec); the other files are DIRECTORY/run.out and so on.
traced() {
	local directory=$1
	shift
	mkdir -p "$directory"
	SHIM_OUTPUT=$PWD/$directory/%p.zst PRELOAD=$SHIM_LIB run "$directory/run" "$@"
}

# main_trace DIRECTORY: the trace of the process that traced() started.
main_trace() {
	echo "$1/$(cat "$1/run.pid").zst"
}

# all_traces DIRECTORY: the main trace first, then all others.
all_traces() {
	local main file
	main=$(main_trace "$1")
	echo "$main"
	for file in "$1"/*.zst "$1"/*.zst.[0-9]*; do
		[[ -e $file && $file != "$main" && $file != *.spool ]] && echo "$file"
	done
	return 0
}

# same NAME PREFIX PREFIX: output and exit status of two runs are equal.
same() {
	local what
	for what in out err status; do
		cmp -s "$2.$what" "$3.$what" && continue
		bad "$1: its ${what/out/output} differs with the library:"
		diff "$2.$what" "$3.$what" | head -n 10
	done
}

# json TRACE FILTER [COMMAND [OPTION...]]: what jq says about a report (default: summary).
json() {
	local trace=$1 filter=$2 command=${3:-summary}
	"$SHIM_ANALYZE" "$command" --format json "${@:4}" "$trace" | jq -r "$filter"
}

# Names of the programs that state a truth, or with an argument, of those with that word in a truth line.
programs_with_truth() {
	grep -lE "^( \*|//!) truth: ${1-}" "$SRC"/tests/programs/*.{c,cc,rs} | sed 's,.*/,,; s,\.[a-z]*$,,' | grep -v '^demo_\|^sym_'
}

source_of() {
	local file
	for file in "$SRC/tests/programs/$1".{c,cc,rs}; do
		[[ -e $file ]] && echo "$file"
	done
}

# counting_library [jemalloc]: build libcount.so in this directory once, print its path.
counting_library() {
	[[ -e $PWD/libcount.so ]] || "$SRC/tests/count/build.sh" "$PWD" || exit 1
	echo "$PWD/libcount${1:+_$1}.so"
}

# test_library NAME FLAGS: builds libshim.so with FLAGS below the build directory; sets $library. Ends the test if that fails.
test_library() {
	local to=$BUILD/unwind/$1
	(cd "$SRC" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make B="$to" CC="$CC" CPPFLAGS="$2" "$to/libshim.so") \
		>"build-$1.out" 2>&1 || { bad "the library does not build with $2"; tail -n 20 "build-$1.out"; finish; }
	library=$to/libshim.so
}
