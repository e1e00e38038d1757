#!/bin/bash
# SPDX-License-Identifier: MIT
#
# counts_order.sh - the other order of LD_PRELOAD, the library first: what it forwards is what the program
# asked for. Should its start-up allocate through the C library, that is counted, too; it is the same in
# every run and is measured with a program that does nothing.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

counter=$(counting_library)
cat >nothing.c <<'END'
int main(void)
{
	return 0;
}
END
"$CC" -o nothing nothing.c || exit 1

# difference COMMAND...: counted minus reported, as "allocations bytes frees".
difference() {
	local pid
	COUNT_OUTPUT=$PWD/count SHIM_OUTPUT=$PWD/%p.zst PRELOAD="$SHIM_LIB $counter" run pass "$@"
	pid=$(cat pass.pid)
	"$SRC/tests/count/count.py" "count.$pid" >counted.json
	"$SHIM_ANALYZE" summary --format json "$pid.zst" >reported.json || bad "$1: summary failed"
	jq -r -n --slurpfile c counted.json --slurpfile r reported.json '$r[0].heap as $heap | [$c[0].early, $c[0].late] |
		"\((map(.allocations + .reallocations) | add) - $heap.allocations) \((map(.allocated_bytes + .reallocated_bytes) | add) - $heap.allocated_bytes) \((map(.frees) | add) - $heap.frees)"'
	rm -f "count.$pid" "$pid.zst"
}

start_up=$(difference ./nothing)
echo "start-up: $start_up"
[[ $start_up =~ ^[0-9]+\ [0-9]+\ [0-9]+$ ]] || bad "the library reports more than was called: $start_up"
for name in leak_known temporary_known threads_stress signal_alloc realloc_fail; do
	got=$(difference "$PROGRAMS/$name")
	[[ $got == "$start_up" ]] || bad "$name: counted minus reported is $got, of which the start-up is $start_up"
done
finish
