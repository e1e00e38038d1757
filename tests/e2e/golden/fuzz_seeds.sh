#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fuzz_seeds.sh - the fuzz target over its seeds, the damaged golden files and all regressions, without libFuzzer: it does
# not crash and its properties hold (fuzz_trace.c). A property that does not hold is noticed.
set -uo pipefail

fuzz=$SRC/tests/fuzz
flags=(-std=gnu11 -O2 -g -DSHIM_VERSION='"test"' -I"$SRC/include" -I"$SRC/analyzer" -pthread)
libraries=("$BUILD/libanalyzer.a" -lzstd -ldw -lelf -liberty -llzma -lz -lm)

"$CC" "${flags[@]}" -o "$WORK/fuzz" "$fuzz/driver.c" "$fuzz/fuzz_trace.c" "${libraries[@]}" || exit 1
"$fuzz/make_seeds.py" "$WORK/seeds" "$SRC"/tests/golden/v1/*.zst || exit 1
FUZZ_VERBOSE=1 "$WORK/fuzz" "$WORK/seeds" "$SRC/tests/golden/v1/damaged" "$fuzz/regressions" >"$WORK/out" 2>"$WORK/err" ||
	{ tail -n 5 "$WORK/err"; exit 1; }
cat "$WORK/out"
(($(sed 's/ .*//' "$WORK/out") >= 60)) || { echo 'fuzz_seeds: hardly any inputs'; exit 1; }

# Negative control: a harness that expects one event too many must stop at the first sound trace.
sed 's/result.events == events/result.events == events + 1/' "$fuzz/fuzz_trace.c" >"$WORK/mutant.c"
! cmp -s "$fuzz/fuzz_trace.c" "$WORK/mutant.c" || { echo 'fuzz_seeds: no mutant'; exit 1; }
"$CC" "${flags[@]}" -o "$WORK/mutant" "$fuzz/driver.c" "$WORK/mutant.c" "${libraries[@]}" || exit 1
if (ulimit -c 0; "$WORK/mutant" "$WORK/seeds") >"$WORK/out" 2>"$WORK/err" ||
	! grep -q 'a repaired trace has other events' "$WORK/err"; then
	echo 'fuzz_seeds: a property that does not hold passes unnoticed'
	exit 1
fi
