#!/bin/bash
# SPDX-License-Identifier: MIT
# timeout: 300
#
# real_traces.sh - what libshim.so writes of real programs keeps every rule of docs/trace-format.md, and both
# decoders read the same from it, the peak that an event by event replay finds included; of programs
# that were killed too.
set -uo pipefail

export PYTHONDONTWRITEBYTECODE=1
golden=$SRC/tests/golden
decoder=$SRC/tests/decode/shimdump.py
bad=0

wrong() {
	echo "real_traces: $*"
	bad=1
}

traced() {
	SHIM_OUTPUT="$WORK/traces/%e.%p.zst" LD_PRELOAD=$SHIM_LIB "$@" >"$WORK/out" 2>"$WORK/err" </dev/null ||
		wrong "$*: exit status $?: $(head -c 300 "$WORK/err")"
}

traced /usr/bin/python3 -c 'import json, re, threading; print(json.dumps(list(range(50000)))[:9])'
traced perl -e 'my %h; $h{$_} = "x" x ($_ % 100) for 1..20000; print scalar(keys %h), "\n"'
traced sqlite3 :memory: 'with recursive c(x) as (select 1 union all select x + 1 from c where x < 20000)
	select count(*), sum(length(hex(x))) from c'
traced git -C "$SRC/preload" grep --no-index -c struct
traced jq -n '[range(20000)] | map(tostring) | add | length'
STRESS_TOTALS=$WORK/stress traced "$PROGRAMS/threads_stress"
for program in every_allocator every_new dlopen_plugin peak_threads realloc_fail mmap_events; do
	(cd "$PROGRAMS" && traced "./$program"; exit $bad) || bad=1
done

# Killed at different moments, with one thread and with five.
for threads in 1 5; do
	for pause in 0.03 0.1; do
		head -c 4096 /dev/zero >"$WORK/committed"
		SHIM_OUTPUT="$WORK/traces/killed.%p.zst" LD_PRELOAD=$SHIM_LIB \
			"$PROGRAMS/kill_me" "$WORK/committed" $threads >"$WORK/out" 2>&1 &
		pid=$!
		until compgen -G "$WORK/traces/killed.$pid.zst.spool" >/dev/null; do sleep 0.01; done
		sleep $pause
		kill -KILL $pid
		wait $pid 2>/dev/null
	done
done

traces=0
events=0
for trace in "$WORK"/traces/*.zst; do
	name=${trace##*/}
	"$decoder" check "$trace" >"$WORK/out" || wrong "$name: $(head -n 5 "$WORK/out")"
	"$decoder" totals "$trace" >"$WORK/totals.json" || wrong "$name: the second decoder refuses it"
	"$SHIM_ANALYZE" summary --format json "$trace" >"$WORK/summary.json" 2>"$WORK/err" ||
		wrong "$name: exit status $?: $(<"$WORK/err")"
	"$golden/compare.py" --summary "$WORK/totals.json" "$WORK/summary.json" ||
		wrong "$name: the decoders read other numbers"
	((events += $(jq .events "$WORK/totals.json")))
	((++traces))
done
((traces >= 16 && events > 300000)) || wrong "only $traces traces with $events events"

((bad == 0)) && echo "real_traces: $traces traces, $events events"
exit $bad
