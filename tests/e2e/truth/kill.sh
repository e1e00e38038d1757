#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kill.sh - SIGKILL at random moments, one and many threads: every event committed before is in the report.
# KILLS says how often (the checks beyond the tests ask for 200); a failure names its seed.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

"$E2E/check_kill.py" "${KILLS:-200}" || bad "events are missing after a kill"
finish
