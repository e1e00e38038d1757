#!/bin/bash
# SPDX-License-Identifier: MIT
#
# exits.sh - every way to end a process leaves a report with everything up to the end, and says which it was.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

# check HOW COMPLETE END ATEXIT DESTRUCTOR QUICK: blocks left at the sites whose handlers free them.
check() {
	local how=$1 trace got function wanted
	traced "$how" "$PROGRAMS/exit_paths" "$how"
	trace=$(main_trace "$how")
	"$SHIM_ANALYZE" leaks --format json -n 0 "$trace" >leaks.json
	[[ $? == 23 ]] || bad "$how: not the exit status of leaks"
	for function in kept_leak:5 late_leak:0 for_atexit:"$4" for_destructor:"$5" for_quick:"$6"; do
		wanted=${function#*:}
		got=$(jq --arg f "${function%:*}" '[.leaks[] | select(any(.stack[]; .function == $f)) | .count] | add // 0' leaks.json)
		[[ $got == "$wanted" ]] || bad "$how: ${function%:*} has $got unfreed blocks instead of $wanted"
	done
	got=$(jq -r .trace.complete leaks.json)
	[[ $got == "$2" ]] || bad "$how: complete is $got instead of $2"
	# a clean end takes the spool away; anything else leaves it
	if [[ $2 == true ]]; then
		[[ ! -e $trace.spool ]] || bad "$how: the spool is still there"
		zstd -q -t "$trace" || bad "$how: zstd does not like the trace"
	fi
	got=$("$SHIM_ANALYZE" info "$trace" | grep -ci "$3")
	((got > 0)) || bad "$how: info does not mention '$3'"
}

#     how            complete end         atexit destructor quick
check return         true     exit        0 0 0
check exit           true     exit        0 0 0
check exit-in-thread true     exit        0 0 0
check last-thread    true     exit        0 0 0
check quick_exit     true     quick_exit  1 1 0
check _exit          true     _exit       1 1 1
check _Exit          true     _exit       1 1 1
check syscall        false    killed      1 1 1
check abort          false    killed      1 1 1
check sigterm        false    killed      1 1 1
check sigkill        false    killed      1 1 1
check sigsegv        false    killed      1 1 1
check sigsys         false    killed      1 1 1
finish
