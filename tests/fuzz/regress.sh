#!/bin/bash
# SPDX-License-Identifier: MIT
#
# regress.sh - run fuzz targets (libFuzzer programs, built by `make fuzz-build`) over their seeds and
# regressions, then search on from there:  [FUZZ_SECONDS=60] tests/fuzz/regress.sh TARGET...
#
# Seeds of fuzz_NAME are the files of seeds/NAME and regressions/NAME; those of fuzz_trace are made
# from the golden traces. What the search learns stays in a directory beside the target for the next
# time. A finding is left there too (TARGET.crash-*, .leak-*, .timeout-*, .oom-*) and fails the run; made
# small, it belongs into regressions/NAME. FUZZ_SECONDS=0: no search.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${FUZZ_SECONDS:-60}
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
export TMPDIR=${TMPDIR:-/tmp}
limits=(-rss_limit_mb=3072 -timeout=20 -max_len=65536)
bad=0
(($# > 0)) || { echo 'fuzz: no target'; exit 1; }

# Directories with seeds of target $1 by the name $2, one a line.
seeds_of() {
	local made=$1.seeds directory file
	if [[ $2 == trace ]]; then
		rm -rf "$made"
		"$here/make_seeds.py" "$made" "$here"/../golden/v[12]/*.zst || return 1
		for directory in "$here"/../golden/v[12]/damaged; do
			for file in "$directory"/*; do
				cp "$file" "$made/$(basename "${directory%/damaged}")-${file##*/}"
			done
		done
		echo "$made"
	fi
	for directory in "$here/seeds/$2" "$here/regressions/$2"; do
		[[ ! -d $directory ]] || echo "$directory"
	done
}

for target; do
	name=$(basename "$target")
	mapfile -t seeds < <(seeds_of "$target" "${name#fuzz_}")
	mapfile -t files < <(((${#seeds[@]})) && find "${seeds[@]}" -type f | sort)
	log=$target.log
	if ((${#files[@]} == 0)); then
		echo "fuzz: $name has no seeds"
		bad=1
	elif ! "$target" "${limits[@]}" "${files[@]}" >"$log" 2>&1; then
		grep -a '^Running: ' "$log" | tail -n 1
		grep -av '^Running: \|^Executed ' "$log" | tail -n 40
		echo "fuzz: $name fails on a seed"
		bad=1
	elif ((seconds > 0)); then
		echo "fuzz: $name: ${#files[@]} seeds fine, searching for $seconds seconds"
		mkdir -p "$target.corpus"
		"$target" "${limits[@]}" -max_total_time="$seconds" -artifact_prefix="$target." \
			-use_value_profile=1 "$target.corpus" "${seeds[@]}" >"$log" 2>&1 || {
			tail -n 40 "$log"
			echo "fuzz: $name found something, see $target.*"
			bad=1
		}
		tail -n 1 "$log"
	else
		echo "fuzz: $name: ${#files[@]} seeds fine"
	fi
done
exit $bad
