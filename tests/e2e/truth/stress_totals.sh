#!/bin/bash
# SPDX-License-Identifier: MIT
#
# stress_totals.sh - a hundred threads: the report has the calls and bytes that the program itself counted
# in take() and stress(), which no library's start-up can blur.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

environment=(STRESS_TOTALS="$PWD/totals")
traced run "$PROGRAMS/threads_stress"
trace=$(main_trace run)
json "$trace" '.threads | length' threads -n 0 >threads
[[ $(cat threads) == 101 ]] || bad "$(cat threads) threads instead of 101"
"$SHIM_ANALYZE" allocs --format json -n 0 "$trace" >allocs.json || bad "allocs failed"
got=$(jq -r '[.sites[] | select(any(.stack[]; .function == "stress"))] | "\(map(.count) | add) \(map(.bytes) | add)"' allocs.json)
wanted=$(awk '{ calls += $2; bytes += $3 } END { print calls, bytes }' totals)
[[ $got == "$wanted" ]] || bad "report has '$got' calls and bytes at stress, the program counted '$wanted'"
[[ $wanted =~ ^[1-9] ]] || bad "the program counted nothing"
left=$(json "$trace" '[.leaks[] | select(any(.stack[]; .function == "stress"))] | length' leaks -n 0)
[[ $left == 0 ]] || bad "$left leaks at stress, which frees everything"
finish
