#!/bin/bash
# SPDX-License-Identifier: MIT
#
# regress.sh - run fuzz targets (built for libFuzzer) over their seeds and regressions, then search on for a while.
#
#   [FUZZ_SECONDS=60] tests/fuzz/regress.sh TARGET...
#
# The corpus grows in a directory beside the target and is used again. An input that crashes, leaks or hangs is left there as
# crash-*, leak-*, timeout-* and fails the run; keep it in tests/fuzz/regressions.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${FUZZ_SECONDS:-60}
export ASAN_OPTIONS=${ASAN_OPTIONS:-abort_on_error=0:detect_leaks=1:allocator_may_return_null=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
bad=0
(($# > 0)) || { echo 'regress.sh: no fuzz target was given'; exit 1; }

limits=(-timeout=10 -rss_limit_mb=3072 -max_len=65536)
for target; do
	corpus=$target.corpus
	mkdir -p "$corpus"
	"$here/make_seeds.py" "$corpus" "$here"/../golden/v1/*.zst || exit 1
	cp "$here"/../golden/v1/damaged/* "$corpus/"
	echo "== ${target##*/}: seeds and regressions"
	"$target" "${limits[@]}" -runs=0 -artifact_prefix="$target." "$corpus" "$here/regressions" >"$target.log" 2>&1 ||
		{ tail -n 60 "$target.log"; bad=1; continue; }
	((seconds > 0)) || continue
	echo "== ${target##*/}: searching for $seconds seconds"
	"$target" "${limits[@]}" -max_total_time="$seconds" -artifact_prefix="$target." -print_final_stats=1 \
		-use_value_profile=1 "$corpus" "$here/regressions" >"$target.log" 2>&1 ||
		{ tail -n 60 "$target.log"; bad=1; continue; }
	sed -n 's/^stat::number_of_executed_units: */   inputs: /p' "$target.log"
done
((bad == 0)) && echo 'fuzz: nothing found'
exit $bad
