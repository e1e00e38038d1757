#!/bin/bash
# SPDX-License-Identifier: MIT
#
# differential.sh - traces of made-up programs, ended in order, by a kill and in the middle of a write:
# both decoders read the totals that were counted while the program ran; and so they do from the trace
# that `repair` makes of it. A row more is noticed.
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

traces=0
for seed in $(seq 1 24); do
	trace=$WORK/$seed.zst
	"$golden/random_trace.py" "$seed" $((seed % 4 * 1000 + 300)) "$trace" "$WORK/truth.json" ||
		wrong "seed $seed: no trace"
	"$decoder" check "$trace" || wrong "seed $seed: not as the specification says"
	compare "seed $seed" "$trace"
	"$golden/compare.py" "$WORK/truth.json" "$WORK/totals.json" || wrong "seed $seed: not the truth"
	cp "$WORK/totals.json" "$WORK/before.json"
	"$SHIM_ANALYZE" repair -o "$WORK/repaired-$seed.zst" "$trace" >"$WORK/out" 2>&1 ||
		wrong "seed $seed: repair fails: $(<"$WORK/out")"
	"$decoder" check "$WORK/repaired-$seed.zst" || wrong "seed $seed: repaired, but not as specified"
	compare "seed $seed, repaired" "$WORK/repaired-$seed.zst"
	cmp -s <(jq 'del(.end)' "$WORK/before.json") <(jq 'del(.end)' "$WORK/totals.json") ||
		wrong "seed $seed: other totals after repair"
	((++traces))
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
"$golden/random_trace.py" 100 500 "$WORK/other.zst" "$WORK/truth.json"
! "$golden/compare.py" "$WORK/truth.json" "$WORK/totals.json" >/dev/null ||
	wrong 'other totals pass unnoticed'

((traces == 28)) || wrong "only $traces traces"
((bad == 0)) && echo "differential: $traces traces"
exit $bad
