#!/bin/bash
# SPDX-License-Identifier: MIT
#
# signal_inside.sh - a handler that allocates and maps memory while a hook is running on the same thread: nothing of what
# was interrupted is lost or torn. Three runs, since chance says what is interrupted.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

for turn in 1 2 3; do
	SHIM_OUTPUT=$PWD/$turn.zst PRELOAD="$SHIM_LIB $PROGRAMS/signal_safe_malloc" run run$turn "$PROGRAMS/signal_inside"
	[[ $(cat run$turn.status run$turn.out) == $'0\nsignal_inside: done' ]] || bad "status $(cat run$turn.status)"
	[[ ! -e $turn.zst.spool ]] || bad "the trace was not ended"
	zstd -qt $turn.zst || bad "the trace is damaged"
	"$E2E/check_truth.py" "$(source_of signal_inside)" $turn.zst || bad "wrong counts"
	"$E2E/check_decoder.py" $turn.zst || bad "the decoders do not agree"
	got=$(json $turn.zst '"\(.trace.quality.lost) \(.trace.quality.unknown_frees) \(.heap.live_count)"')
	[[ $got == "0 0 5001" ]] || bad "lost, unknown frees and live blocks (one of them of puts) are $got"
	maps=$(json $turn.zst .mapped.maps)
	((maps > 100)) || bad "only $maps mappings of the handler's were seen"
done
finish
