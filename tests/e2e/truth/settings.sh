#!/bin/bash
# SPDX-License-Identifier: MIT
#
# settings.sh - the SHIM_* settings that concern heap, output and log; a bad value is one line in the log and
# a note in the trace, the default is used, and the program notices nothing.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

program=$PROGRAMS/leak_known
run native "$program"

# with NAME=VALUE...: run leak_known with these; the trace is traces/PID.zst unless they say otherwise.
with() {
	rm -rf traces log
	environment=("$@")
	traced traces "$program"
	environment=()
	trace=$(main_trace traces)
	same "$*" native traces/run
}

leaked() {
	json "$trace" '"\(.totals.unfreed.count) \(.totals.unfreed.bytes)"' leaks
}

# Bad values: the default holds, one line in the log names the setting and its value, and so does the trace.
for setting in SHIM_DEPTH=abc SHIM_DEPTH=0 SHIM_DEPTH=-5 SHIM_DEPTH=99999999999999999999 SHIM_DEPTH= SHIM_EVENTS=heap,bogus \
	"SHIM_EVENTS=," SHIM_EVENTS= SHIM_CHILDREN=maybe SHIM_START=perhaps SHIM_SIGNAL=NOSUCH SHIM_SIGNAL=KILL SHIM_NO_SUCH_SETTING=1; do
	with "$setting" SHIM_LOG="$PWD/log"
	[[ $(grep -cF -- "$setting" log 2>/dev/null) == 1 ]] || bad "$setting: not one line in the log: $(cat log 2>/dev/null)"
	[[ $(leaked) == '20 16777' ]] || bad "$setting: the default was not used: $(leaked)"
	json "$trace" '.trace.quality.notes[]' | grep -qF -- "$setting" || bad "$setting: no note in the report"
	with "$setting"
	[[ ! -e log ]] || bad "$setting: a log that nobody asked for"
done

# Where the log goes.
with SHIM_DEPTH=abc
[[ ! -s traces/run.err ]] || bad "a word on standard error without SHIM_LOG"
environment=(SHIM_DEPTH=abc SHIM_LOG=stderr)
traced stderr "$program"
environment=()
grep -qF 'SHIM_DEPTH=abc' stderr/run.err || bad "SHIM_LOG=stderr: nothing on standard error"
cmp native.out stderr/run.out || bad "SHIM_LOG=stderr: standard output differs"
with SHIM_LOG="$PWD/no/such/directory/log" SHIM_DEPTH=abc
[[ $(leaked) == '20 16777' ]] || bad "a log that cannot be opened stops the recording"

# Depth.
environment=(SHIM_DEPTH=2)
traced shallow "$program"
environment=()
trace=$(main_trace shallow)
deepest=$(json "$trace" '[.leaks[] | [.stack[] | select(.inlined | not)] | length] | max' leaks -n 0)
[[ $deepest == 2 ]] || bad "SHIM_DEPTH=2: a stack of $deepest frames"
(($(json "$trace" .trace.quality.truncated_stacks) > 0)) || bad "SHIM_DEPTH=2: no stack is said to be cut"

# Events.
with SHIM_EVENTS=none
[[ $(json "$trace" .heap.allocations) == 0 ]] || bad "SHIM_EVENTS=none: there are allocations"
with SHIM_EVENTS=mmap
[[ $(json "$trace" .heap.allocations) == 0 ]] || bad "SHIM_EVENTS=mmap: there are allocations"
with SHIM_EVENTS=heap
[[ $(leaked) == '20 16777' ]] || bad "SHIM_EVENTS=heap: $(leaked)"
with SHIM_START=off
[[ $(json "$trace" .heap.allocations) == 0 ]] || bad "SHIM_START=off: there are allocations"

# Children: a fork and an exec are followed, or not.
environment=(SHIM_CHILDREN=off)
traced childless "$PROGRAMS/fork_tree"
[[ $(all_traces childless | wc -l) == 1 ]] || bad "SHIM_CHILDREN=off: $(all_traces childless | wc -l) traces of a fork"
traced spawnless "$PROGRAMS/vfork_exec"
[[ $(all_traces spawnless | wc -l) == 1 ]] || bad "SHIM_CHILDREN=off: $(all_traces spawnless | wc -l) traces of an exec"
environment=()
finish
