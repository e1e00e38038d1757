#!/bin/bash
# SPDX-License-Identifier: MIT
#
# full_disk.sh - the disk fills up, or the file may not grow: the program runs on untouched, and the report
# has what was written and says that something is missing. Never a SIGBUS, never a SIGXFSZ.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

run native "$PROGRAMS/file_size_limit"
traced limit "$PROGRAMS/file_size_limit"
same file_size_limit native limit/run
json "$(main_trace limit)" '[.trace.complete, .trace.quality.lost] | map(tostring) | join(" ")' >got
[[ $(cat got) == 'true 0' || $(cat got) == 'false '* || $(cat got) =~ \ [1-9] ]] || bad "file size limit: $(cat got)"

# a file system of 1 MB in memory, where we may mount one (in a namespace of its own); elsewhere a limit
run native "$PROGRAMS/threads_stress"
mkdir small
cat >on_small.sh <<'END'
mount -t tmpfs -o size=1m none small || exit 77
SHIM_OUTPUT=$PWD/small/trace.zst LD_PRELOAD=$SHIM_LIB "$PROGRAMS/threads_stress" || exit 1
ls -l small >&2
cp small/trace.zst* . 2>/dev/null
exit 0
END
if unshare -m -r true 2>/dev/null; then
	unshare -m -r bash on_small.sh >small.out 2>small.err
	status=$?
else
	status=77
fi
if ((status == 77)); then
	(ulimit -f 64; SHIM_OUTPUT=$PWD/trace.zst LD_PRELOAD=$SHIM_LIB exec "$PROGRAMS/threads_stress") >small.out
	status=$?
fi
((status == 0)) || bad "threads_stress on a full disk: status $status"
cmp native.out small.out || bad "threads_stress on a full disk: output differs"
if [[ -e trace.zst ]]; then
	"$SHIM_ANALYZE" summary --format json trace.zst >summary.json
	status=$?
	jq -r '[.trace.complete, .trace.quality.lost] | map(tostring) | join(" ")' summary.json >got
	[[ $status == 2 || $(cat got) == 'true 0' ]] || bad "status $status of the report, complete and lost: $(cat got)"
fi

# a budget that the disk has room for is kept to, whether or not there is room for a spool; a larger one is not
# reached. Where we may not mount, a limit on the size of files does for the disk.
cat >budgets.sh <<'END'
[[ $1 == limit ]] || mount -t tmpfs -o size=600k none small || exit 1
[[ $1 == disk ]] || ulimit -f 600
for budget in 256k 4m; do
	SHIM_MAX_TRACE=$budget SHIM_OUTPUT=$PWD/small/$budget.zst LD_PRELOAD=$SHIM_LIB "$PROGRAMS/budget_corners" handed 500000 || exit 1
	cp small/$budget.zst* .
	rm -f small/*
done
END
if unshare -m -r true 2>/dev/null; then
	unshare -m -r bash budgets.sh disk || bad "budget_corners on a small disk: status $?"
else
	bash budgets.sh limit || bad "budget_corners with a limit: status $?"
fi
"$SHIM_ANALYZE" leaks --format json 256k.zst >summary.json
status=$?
jq -r '[.trace.complete, .trace.quality.lost, .totals.unfreed.bytes] | map(tostring) | join(" ")' summary.json >got
[[ $status == 23 && $(cat got) == 'true 0 770' ]] || bad "256k on a small disk: status $status, $(cat got)"
"$SHIM_ANALYZE" leaks --format json 4m.zst >summary.json
status=$?
lost=$(jq '.trace.quality.lost' summary.json)
((status == 2 && lost > 0)) || bad "4m on a small disk: status $status, $lost lost"
finish
