#!/bin/bash
# SPDX-License-Identifier: MIT
#
# scale_estimates.sh - real programs, recorded exactly and as a sample SAMPLE_RUNS times (200): the truth lies
# in the ranges of all that a summary says and of the largest sites as often as it should.
# timeout: 3600
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/workloads.sh"

# try NAME DISTANCE
try() {
	workload "$1"
	(
		((${#environment[@]} == 0)) || export "${environment[@]}"
		"$E2E/check_estimates.py" "$1" "${SAMPLE_RUNS:-200}" "$2" "$INPUT" "${command[@]}"
	) || bad "$1"
}

try sqlite3 1024
try cc1plus 16384
try perl 2048
finish
