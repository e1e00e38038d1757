#!/bin/bash
# SPDX-License-Identifier: MIT
#
# left_hook.sh - an allocator leaves the hook around it by longjmp: the next call from the same place is recorded.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

SHIM_OUTPUT=$PWD/left.zst PRELOAD="$SHIM_LIB $PROGRAMS/signal_safe_malloc" run left "$PROGRAMS/left_hook"
[[ $(cat left.status left.out) == $'0\nleft_hook: done' ]] || bad "status $(cat left.status)"
"$E2E/check_truth.py" "$(source_of left_hook)" left.zst || bad "wrong counts"
finish
