#!/bin/bash
# SPDX-License-Identifier: MIT
#
# regress.sh - run fuzz targets (libFuzzer programs, built by `make fuzz-build`): tests/fuzz/regress.sh TARGET...
#
# Every target gets its seeds, tests/fuzz/seeds/NAME/* for fuzz_NAME, each once. With FUZZ_SECONDS it goes on to search
# from there; a finding is left in the build directory beside the target and belongs, made small, among the seeds.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1:allocator_may_return_null=1} UBSAN_OPTIONS=print_stacktrace=1
bad=0

(($# > 0)) || { echo "fuzz: no target"; exit 1; }
for target; do
	name=$(basename "$target")
	seeds=$here/seeds/${name#fuzz_}
	mapfile -t files < <(find "$seeds" -type f 2>/dev/null | sort)
	if ((${#files[@]} == 0)); then
		echo "fuzz: $name has no seeds in tests/fuzz/seeds/${name#fuzz_}"
		bad=1
		continue
	fi
	log=$target.log
	if ! "$target" -rss_limit_mb=2048 -timeout=20 "${files[@]}" >"$log" 2>&1; then
		tail -n 40 "$log"
		echo "fuzz: $name fails on a seed"
		bad=1
		continue
	fi
	echo "fuzz: $name: ${#files[@]} seeds fine"
	[[ -n ${FUZZ_SECONDS-} ]] || continue
	mkdir -p "$target.corpus"
	if ! "$target" -rss_limit_mb=2048 -timeout=20 -max_total_time="$FUZZ_SECONDS" -artifact_prefix="$target." \
		"$target.corpus" "$seeds" >"$log" 2>&1; then
		tail -n 40 "$log"
		echo "fuzz: $name found something, see $target.*"
		bad=1
	fi
	tail -n 1 "$log"
done
exit $bad
