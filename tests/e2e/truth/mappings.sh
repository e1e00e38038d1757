#!/bin/bash
# SPDX-License-Identifier: MIT
#
# mappings.sh - mmap, munmap, mremap and the break: what programs/mmap_events.c keeps is what the report says.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

traced run "$PROGRAMS/mmap_events"
trace=$(main_trace run)

# check NAME FILTER WANTED
check() {
	local got
	got=$(json "$trace" "$2")
	[[ $got == "$3" ]] || bad "$1: the report has $got, the truth is $3"
}

check 'anonymous bytes at the end' .mapped.live_bytes.anonymous $((16384 + 8192 + 8192 + 1048576))
check 'file bytes at the end' '.mapped.live_bytes."shared file"' 4096
check 'growth of the break' .mapped.brk_bytes $((65536 - 16384))
# leak_map 2, partly_unmap 1, grow_map 2 and 2 by mremap, file_map 1, churn_maps 100, fixed_over 2
check 'calls that mapped' .mapped.maps 110
check 'bytes ever mapped' .mapped.total_bytes \
	$((24576 + 16384 + 4096 + 65536 + 2 * 1048576 + 4096 + 100 * 40960 + 12288 + 4096))
# while grow_map moves 64 KB into the second megabyte: what is kept, without file_map, and the old 64 KB
check 'peak' .mapped.peak_bytes $((24576 + 8192 + 65536 + 1048576))
finish
