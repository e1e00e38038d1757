#!/bin/bash
# SPDX-License-Identifier: MIT
#
# budget.sh - SHIM_MAX_TRACE: the file is never larger, each step is told, and what the report says stays true:
# exactly while short-lived blocks are folded, within the intervals of the estimates from then on.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

for part in size exact sampled kill; do
	"$E2E/check_budget.py" $part || bad "$part"
done
finish
