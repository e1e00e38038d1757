#!/bin/bash
# SPDX-License-Identifier: MIT
#
# idle_times.sh - the clock is not read at every event, and yet a sleep between two requests is no part of
# the life of a block: the longest reported life is no longer than the program itself has seen, but for
# some stamps' worth.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

slack_ns=200000
traced idle "$PROGRAMS/idle_server" ""
mapfile -t traces < <(all_traces idle)
"$SHIM_ANALYZE" lifetimes --format json "${traces[0]}" >lifetimes.json || bad "no report"
longest=$(cat idle/run.out)
reported=$(jq '.histogram.max' lifetimes.json)
count=$(jq '.histogram.count' lifetimes.json)
echo "the program: at most $longest ns; reported: $reported ns, $count blocks"
[[ $count == 1020 ]] || bad "$count blocks of 1020"
((reported <= longest + slack_ns)) || bad "a block is said to have lived $reported ns, it was at most $longest"
finish
