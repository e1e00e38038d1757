#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# differential.sh - traces of made-up programs, ended in order, by a kill and in the middle of a write:
# both decoders read the totals that were counted while the program ran; and so they do from the trace
# that `repair` makes of it. Of traces with folded blocks too, and of samples both read the same. A
# row more is noticed.
set -uo pipefail

export PYTHONDONTWRITEBYTECODE=1
golden=$SRC/tests/golden
decoder=$SRC/tests/decode/shimdump.py
bad=0

wrong() {
	echo "differential: $*"
	bad=1
}

# Both decoders on trace $2, which is called $1; prints the tool's summary to summary.json.
compare() {
	local name=$1 trace=$2
	"$decoder" totals "$trace" >"$WORK/totals.json" || wrong "$name: the second decoder refuses it"
	"$SHIM_ANALYZE" summary --format json "$trace" >"$WORK/summary.json" 2>"$WORK/err" ||
		wrong "$name: exit status $?: $(<"$WORK/err")"
	"$golden/compare.py" --summary "$WORK/totals.json" "$WORK/summary.json" ||
		wrong "$name: the decoders read other numbers"
}

# A random trace of seed $1 in mode $2, as it is and repaired.
try() {
	local name="seed $1, $2" trace=$WORK/$1-$2.zst
	"$golden/random_trace.py" "$1" $(($1 % 4 * 1000 + 300)) "$trace" "$WORK/truth.json" "$2" \
		>"$WORK/peak" || wrong "$name: no trace"
	"$decoder" check "$trace" || wrong "$name: not as the specification says"
	compare "$name" "$trace"
	"$golden/compare.py" "$WORK/truth.json" "$WORK/totals.json" || wrong "$name: not the truth"
	[[ $2 != folded ]] || jq -e --argjson peak "$(<"$WORK/peak")" '.heap |
		(.peak_bytes_low // .peak_bytes) <= $peak and $peak <= (.peak_bytes_high // .peak_bytes)' \
		"$WORK/summary.json" >"$WORK/out" || wrong "$name: the peak is not in its bounds"
	cp "$WORK/totals.json" "$WORK/before.json"
	"$SHIM_ANALYZE" repair -o "$trace.repaired" "$trace" >"$WORK/out" 2>&1 ||
		wrong "$name: repair fails: $(<"$WORK/out")"
	"$decoder" check "$trace.repaired" || wrong "$name: repaired, but not as specified"
	compare "$name, repaired" "$trace.repaired"
	cmp -s <(jq 'del(.end)' "$WORK/before.json") <(jq 'del(.end)' "$WORK/totals.json") ||
		wrong "$name: other totals after repair"
	((++traces))
}

traces=0
for seed in $(seq 1 24); do
	try "$seed" exact
done
for mode in folded sampled both; do
	blocks=0
	for seed in $(seq 1 12); do
		try "$seed" $mode
		((blocks += $(jq '(.heap.folded // 0) + (.heap.samples // 0)' "$WORK/summary.json")))
	done
	((blocks > 1000)) || wrong "$mode: only $blocks blocks"
done
# Larger ones from a third writer of the format, with a truth of its own.
"$CC" -D_GNU_SOURCE -std=gnu11 -O2 -I"$SRC/include" -o "$WORK/gen_trace" "$SRC"/tests/gen/gen_*.c -lzstd ||
	exit 1
for how in '--threads 1 --layout columns' '--threads 3 --layout columns' '--threads 5 --layout rows' \
	'--threads 2 --spool'; do
	read -ra options <<<"$how"
	trace=$WORK/gen.zst
	rm -f "$trace" "$trace.spool"
	"$WORK/gen_trace" --out "$trace" --seed 7 --events 30000 "${options[@]}" >"$WORK/gen.json" ||
		wrong "gen_trace $how: fails"
	"$decoder" check "$trace" || wrong "gen_trace $how: not as the specification says"
	compare "gen_trace $how" "$trace"
	jq 'del(.maps, .mapped_bytes, .trace_bytes)' "$WORK/gen.json" >"$WORK/truth.json"
	"$golden/compare.py" "$WORK/truth.json" "$WORK/totals.json" || wrong "gen_trace $how: not the truth"
	((++traces))
done

# Negative control: the truth of another seed.
"$golden/random_trace.py" 100 500 "$WORK/other.zst" "$WORK/truth.json" >"$WORK/peak"
! "$golden/compare.py" "$WORK/truth.json" "$WORK/totals.json" >/dev/null ||
	wrong 'other totals pass unnoticed'

((traces == 64)) || wrong "only $traces traces"
((bad == 0)) && echo "differential: $traces traces"
exit $bad
