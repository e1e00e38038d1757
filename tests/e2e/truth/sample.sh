#!/bin/bash
# SPDX-License-Identifier: MIT
#
# sample.sh - what a sample says is right as often as it says: in SAMPLE_RUNS runs (40; `make check-sample`:
# 200) the truth lies in the interval as often as it should, the mean is the truth, nothing leaks that was
# freed. Traces that claim a mean distance which is a fifth off must not pass.
# timeout: 1200
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

source=$SRC/tests/programs/sample_mix.c
"$E2E/check_sample.py" "$source" "${SAMPLE_RUNS:-40}" 1 || bad "the estimates"
for factor in 0.8 1.25; do
	"$E2E/check_sample.py" "$source" 12 $factor >mutant && bad "a mean distance $factor times the true one passes"
	grep -q 'intervals, at least .* are due' mutant || bad "the check fails for another reason: $(tail -n 3 mutant)"
done
finish
