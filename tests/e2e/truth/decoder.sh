#!/bin/bash
# SPDX-License-Identifier: MIT
#
# decoder.sh - peak, live, allocated and temporary bytes and counts equal a replay by the second decoder.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/workloads.sh"

for name in leak_known peak_known peak_threads threads_stress temporary_known every_new every_allocator realloc_fail \
	fork_tree signal_alloc big_blocks jemalloc_api mmap_events; do
	traced "$name" "$PROGRAMS/$name"
	mapfile -t traces < <(all_traces "$name")
	"$E2E/check_decoder.py" "${traces[@]}" || bad "$name"
	rm -rf "$name"
done
for name in jq perl python3-cxx git-log; do
	workload "$name"
	traced "$name" "${command[@]}"
	"$E2E/check_decoder.py" "$(main_trace "$name")" || bad "$name"
	rm -rf "$name"
done
finish
