#!/bin/bash
# SPDX-License-Identifier: MIT
#
# output_files.sh - where the trace goes: patterns, parents, no overwriting, relative paths, places where
# nothing can be written.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

program=$PROGRAMS/leak_known
run native "$program"

# written NAME PATTERN: run with SHIM_OUTPUT=PATTERN and see whether NAME holds the leaks.
written() {
	SHIM_OUTPUT=$2 PRELOAD=$SHIM_LIB run shim "$program"
	same "$2" native shim
	local file=${1//PID/$(cat shim.pid)}
	[[ -e $file ]] || { bad "$2: no file $file"; ls -R | head -n 20; return; }
	[[ $(json "$file" .totals.unfreed.count leaks) == 20 ]] || bad "$2: $file is no good trace"
	[[ ! -e $file.spool ]] || bad "$2: the spool stayed"
}

written plain.zst plain.zst
written "$PWD/absolute.zst" "$PWD/absolute.zst"
written new/parents/deep/trace.zst new/parents/deep/trace.zst
written leak_known.PID.zst %e.%p.zst
written "host-$(uname -n).zst" 'host-%h.zst'
export MARK=marked
written for-marked.zst 'for-%{MARK}.zst'
written 'with space and ü.zst' 'with space and ü.zst'
PRELOAD=$SHIM_LIB run shim "$program"
[[ -e shim.leak_known.$(cat shim.pid).zst ]] || bad "default name: $(ls)"

# never overwritten: the first file stays as it is, a second and third appear
before=$(cksum <plain.zst)
written plain.zst plain.zst
written plain.zst plain.zst
[[ $(cksum <plain.zst) == "$before" ]] || bad "an old trace was overwritten"
[[ $(printf '%s\n' plain* | wc -l) == 3 ]] || bad "instead of three files: $(printf '%s ' plain*)"

# a relative name means where the process was started
mkdir elsewhere
SHIM_OUTPUT=moved.zst PRELOAD=$SHIM_LIB run shim "$PROGRAMS/chroot_drop"
[[ -e moved.zst ]] || bad "the trace moved with the working directory"
[[ $(json moved.zst .trace.complete) == true ]] || bad "the trace of a process that changed its root is not complete"

# nowhere to write: the program runs as if nothing were
for nowhere in /proc/no/trace.zst /dev/full/trace.zst "$program/trace.zst" "/$(printf 'x%.0s' {1..300}).zst"; do
	SHIM_OUTPUT=$nowhere PRELOAD=$SHIM_LIB run shim "$program"
	same "$nowhere" native shim
	SHIM_OUTPUT=$nowhere PRELOAD=$SHIM_LIB run shim "$PROGRAMS/threads_stress"
	[[ $(cat shim.status) == 0 ]] || bad "$nowhere: threads_stress ends with $(cat shim.status)"
done
SHIM_LOG=$PWD/log SHIM_OUTPUT=/proc/no/trace.zst PRELOAD=$SHIM_LIB run shim "$program"
[[ -s log ]] || bad "no line in the log about a trace that cannot be written"
finish
