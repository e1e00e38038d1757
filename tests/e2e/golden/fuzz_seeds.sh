#!/bin/bash
# SPDX-License-Identifier: MIT
#
# fuzz_seeds.sh - fuzz_trace over its seeds, the damaged golden files and its regressions, without
# libFuzzer: it does not crash and its properties hold. A property that does not hold is noticed.
set -uo pipefail

fuzz=$SRC/tests/fuzz
flags=(-std=gnu11 -O2 -g -DSHIM_VERSION='"test"' -I"$SRC/include" -I"$SRC/analyzer" -pthread)
libraries=("$BUILD/libanalyzer.a" -lzstd -ldw -lelf -liberty -llzma -lz -lm)

compile() {
	"$CC" "${flags[@]}" -o "$1" "$fuzz/driver.c" "$2" "${libraries[@]}" || exit 1
}

compile "$WORK/fuzz" "$fuzz/fuzz_trace.c"
"$fuzz/make_seeds.py" "$WORK/seeds" "$SRC"/tests/golden/v[12]/*.zst || exit 1
inputs=("$WORK/seeds" "$SRC/tests/golden/v1/damaged" "$SRC/tests/golden/v2/damaged")
[[ ! -d $fuzz/regressions/trace ]] || inputs+=("$fuzz/regressions/trace")
FUZZ_VERBOSE=1 "$WORK/fuzz" "${inputs[@]}" >"$WORK/out" 2>"$WORK/err" ||
	{ tail -n 5 "$WORK/err"; exit 1; }
cat "$WORK/out"
(($(sed 's/ .*//' "$WORK/out") >= 60)) || { echo 'fuzz_seeds: hardly any inputs'; exit 1; }

# Negative control: a harness that expects one event too many must stop at the first sound trace.
sed 's/result.events == rows_of(run)/result.events == rows_of(run) + 1/' "$fuzz/fuzz_trace.c" >"$WORK/mutant.c"
! cmp -s "$fuzz/fuzz_trace.c" "$WORK/mutant.c" || { echo 'fuzz_seeds: no mutant'; exit 1; }
compile "$WORK/mutant" "$WORK/mutant.c"
if (ulimit -c 0; "$WORK/mutant" "$WORK/seeds") >"$WORK/out" 2>"$WORK/err" ||
	! grep -q 'a repaired trace has other events' "$WORK/err"; then
	echo 'fuzz_seeds: a property that does not hold passes unnoticed'
	exit 1
fi
