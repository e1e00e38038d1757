#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# estimates.sh - a real program, recorded exactly once and as a sample many times: what is exactly true
# of it lies in the ranges of the estimates as often as these say, and an exact report has none.
set -uo pipefail

runs=40
# 95 % of 40 are 38. Fewer than 31 happen by chance once in 100,000 times, if it were 93 % once in 10,000.
least=31
bad=0

wrong() {
	echo "estimates: $*"
	bad=1
}

# Runs the program with SHIM_SAMPLE=$1 into trace $2.
record() {
	SHIM_SAMPLE=$1 SHIM_EVENTS=heap SHIM_OUTPUT="$2" LD_PRELOAD=$SHIM_LIB PYTHONMALLOC=malloc \
		PYTHONHASHSEED=0 /usr/bin/python3 -S -c \
		'import json; x = [str(i) * 50 for i in range(3000)]; print(len(json.dumps(x)))' \
		>"$WORK/out" 2>"$WORK/err" </dev/null || wrong "exit status $?: $(<"$WORK/err")"
}

heap() {
	"$SHIM_ANALYZE" summary --format json "$1" 2>"$WORK/err" || wrong "$1: exit status $?: $(<"$WORK/err")"
}

record 0 "$WORK/exact.zst"
heap "$WORK/exact.zst" >"$WORK/exact.json"
jq -e '[.heap | keys[] | select(endswith("_low") or . == "sample_bytes")] == []' "$WORK/exact.json" \
	>"$WORK/out" || wrong 'the exact report has estimates'

metrics=(allocations frees allocated_bytes peak_bytes temporary)
inside=(0 0 0 0 0)
samples=0
for ((run = 1; run <= runs; run++)); do
	record 8k "$WORK/sampled.$run.zst"
	heap "$WORK/sampled.$run.zst" >"$WORK/sampled.json"
	((samples += $(jq '.heap.samples' "$WORK/sampled.json")))
	for at in "${!metrics[@]}"; do
		((inside[at] += $(jq -n --arg m "${metrics[at]}" --slurpfile exact "$WORK/exact.json" \
			--slurpfile sampled "$WORK/sampled.json" '$exact[0].heap[$m] as $true |
			$sampled[0].heap | if .[$m + "_low"] <= $true and $true <= .[$m + "_high"]
			then 1 else 0 end')))
	done
done
for at in "${!metrics[@]}"; do
	((inside[at] >= least)) || wrong "${metrics[at]}: only ${inside[at]} of $runs ranges hold $(
		jq ".heap.${metrics[at]}" "$WORK/exact.json")"
done
((samples >= runs * 50)) || wrong "only $samples samples in $runs runs"

# Traces with and without a sample, taken together.
"$SHIM_ANALYZE" summary --format json "$WORK/exact.zst" "$WORK/sampled.1.zst" >"$WORK/both.json" 2>"$WORK/err"
heap "$WORK/sampled.1.zst" >"$WORK/sampled.json"
jq -n -e --slurpfile exact "$WORK/exact.json" --slurpfile sampled "$WORK/sampled.json" \
	--slurpfile both "$WORK/both.json" '$both[0].heap as $b | $exact[0].heap as $e | $sampled[0].heap as $s |
	$b.allocations == $e.allocations + $s.allocations and
	$b.allocations_low == $e.allocations + $s.allocations_low and
	$b.allocated_bytes == $e.allocated_bytes + $s.allocated_bytes and
	$b.samples == $s.samples' >"$WORK/out" || wrong 'an exact and a sampled trace do not add up'

((bad == 0)) && echo "estimates: ${metrics[*]} in their ranges in ${inside[*]} of $runs runs, $samples samples"
exit $bad
