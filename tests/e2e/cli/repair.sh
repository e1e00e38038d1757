#!/bin/bash
# SPDX-License-Identifier: MIT
#
# repair.sh - a repaired trace is whole for every reader and holds what could be read of the old one, which stays as it was.
# shellcheck disable=SC2154  # variables of the runner
. "$SRC/tests/e2e/lib.sh"

v1=$SRC/tests/golden/v1
# Without times: the clock of a trace that lost its end is an estimate, and a repair settles it.
numbers='.heap | del(.peak_ns)'
numbers="($numbers), (.mapped | del(.peak_ns)), .leaks"

# repaired STATUS TRACE: repairs a copy; the result passes zstd and gives the same heap as the damaged one.
repaired() {
	local wanted=$1 name before after status
	name=$(basename "$2" .zst)
	cp "$2" "$name.zst"
	[[ ! -e $2.spool ]] || cp "$2.spool" "$name.zst.spool"
	before=$(cat "$name".zst* | cksum)
	"$SHIM_ANALYZE" repair "$name.zst" >out 2>err
	status=$?
	((status == wanted)) || bad "$name: status $status instead of $wanted: $(cat err)"
	[[ $(cat "$name.zst" "$name.zst.spool" 2>/dev/null | cksum) == "$before" ]] || bad "$name: the old trace has changed"
	zstd -qt "$name.repaired.zst" || bad "$name: zstd refuses the new trace"
	grep -qF "$name.repaired.zst: " out || bad "$name: the new name is not told: $(cat out)"
	before=$(json "$name.zst" "$numbers" 2>/dev/null)
	after=$(json "$name.repaired.zst" "$numbers" 2>/dev/null)
	[[ -n $before && $before == "$after" ]] || bad "$name: other numbers after the repair"
	[[ $(json "$name.repaired.zst" '.trace.complete' 2>/dev/null) == false ]] || bad "$name: a repaired trace claims to be complete"
}

repaired 0 "$v1/killed.zst"
repaired 0 "$v1/killed-in-append.zst"
repaired 2 "$v1/incomplete.zst"
repaired 0 "$v1/threads.zst"
head -c $(($(stat -c %s "$v1/columns-layout.zst") * 2 / 3)) "$v1/columns-layout.zst" >cut.zst
mkdir half && cp cut.zst half/
repaired 2 "$PWD/half/cut.zst"
"$SHIM_ANALYZE" summary cut.zst >out 2>/dev/null
(($(grep -c 'cut off\|end is missing\|could not be read' out) == 1)) || bad "a cut is told more than once: $(grep ^warning: out)"
"$SHIM_ANALYZE" summary cut.repaired.zst >out 2>err
grep -q '^warning: cut.repaired.zst: a repaired trace; what the damaged one had lost is missing' out || bad "a repaired trace: $(grep ^warning: out)"
! grep -q 'end is missing\|has no end' out err || bad 'a repaired trace is told to have no end'

# an existing file is never overwritten, and nothing is left behind when the disk is full
echo precious >precious.zst
"$SHIM_ANALYZE" repair -o precious.zst cut.zst >out 2>err
(($? == 1)) || bad 'an existing file was no error'
[[ $(cat precious.zst) == precious ]] || bad 'an existing file was overwritten'
(($(wc -l <err) == 1)) || bad "an existing file: $(cat err)"
"$SHIM_ANALYZE" repair --format json -o new.zst cut.zst >out 2>/dev/null
(($? == 2)) || bad 'the status of a repair in JSON'
jq -e '.schema == "shim-analyze/repair/1" and .file == "new.zst" and .events > 0' out >/dev/null || bad 'repair in JSON'
finish
