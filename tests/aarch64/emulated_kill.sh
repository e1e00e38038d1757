#!/bin/bash
# SPDX-License-Identifier: MIT
#
# emulated_kill.sh - SIGKILL at random moments to programs of another machine: what they had committed is in the report
# that this machine's tool makes of the trace and the small file beside it.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

"$E2E/check_kill.py" "${KILLS:-40}" || bad "events are missing after a kill"
finish
