#!/bin/bash
# SPDX-License-Identifier: MIT
#
# real_programs.sh - programs that we did not write: same output, errors and exit status as without the
# library, and a complete report with no loss for each process.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/workloads.sh"

for name in "${WORKLOADS[@]}"; do
	workload "$name"
	run native "${command[@]}"
	workload "$name"
	traced "$name" "${command[@]}"
	same "$name" native "$name/run"
	[[ -s native.out || $name == git-commit ]] || bad "$name: the workload itself printed nothing"
	while read -r trace; do
		[[ -e $trace ]] || { bad "$name: no trace"; continue; }
		got=$(json "$trace" '[.trace.complete, .trace.quality.lost, .heap.allocations > 0] | map(tostring) | join(" ")') ||
			bad "$name: the report of $trace has a bad status"
		[[ $got == 'true 0 true' ]] || bad "$name: ${trace##*/}: complete, lost, allocations: $got"
	done < <(all_traces "$name")
	ls "$name"/*.spool >/dev/null 2>&1 && bad "$name: a spool was left behind"
	if [[ $name == python3-cxx ]]; then
		got=$(json "$(main_trace "$name")" '[.leaks[] | select(any(.stack[]; .function == "module_leak"))] |
			"\(map(.count) | add) \(map(.bytes) | add)"' leaks -n 0)
		[[ $got == '2 96' ]] || bad "$name: module_leak has '$got' instead of 2 blocks, 96 bytes"
	fi
	rm -rf "$name"
done
finish
