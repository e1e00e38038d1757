#!/bin/bash
# SPDX-License-Identifier: MIT
#
# budget_corners.sh - what is hard for a small SHIM_MAX_TRACE: many live blocks and their ends, threads that come
# and go, a hundred at once, blocks that change hands, reallocs, other allocators, forks, kills.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

for part in corners reports forks kill; do
	"$E2E/check_corners.py" $part || bad "$part"
done
finish
