#!/bin/bash
# SPDX-License-Identifier: MIT
#
# scale_budget.sh - a thousand million events (SCALE_MILLIONS) with the default budget and a small one, by one
# thread and by four: the file keeps to it, and the report is right.
# timeout: 3600
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

for budget in 100m 4m; do
	for threads in 1 4; do
		"$E2E/check_scale.py" "${SCALE_MILLIONS:-1000}" $budget $threads || bad "$budget, $threads threads"
		rm -f scale.zst
	done
done
finish
