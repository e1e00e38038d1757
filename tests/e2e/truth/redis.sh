#!/bin/bash
# SPDX-License-Identifier: MIT
#
# redis.sh - Debian's redis-server, which links jemalloc and runs threads, under redis-benchmark on a socket
# of this directory: it answers as before, and the counts equal the counting library's.
# timeout: 200
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

# Start a server with $PRELOAD; its pid goes to server_pid.
start() {
	(
		[[ -z ${PRELOAD-} ]] || export LD_PRELOAD=$PRELOAD
		exec redis-server --port 0 --unixsocket "$PWD/socket" --save '' --appendonly no --daemonize no \
			--dir "$PWD" --io-threads 2
	) >server.log 2>&1 </dev/null &
	server_pid=$!
	trap 'kill -9 $server_pid 2>/dev/null' EXIT
	for ((i = 0; i < 200; i++)); do
		[[ $(redis-cli -s socket ping 2>/dev/null) == PONG ]] && return 0
		sleep 0.05
	done
	cat server.log
	bad "the server does not answer"
	finish
}

stop() {
	redis-cli -s socket shutdown nosave >/dev/null 2>&1
	wait "$server_pid"
	status=$?
	trap - EXIT
	[[ $status == 0 ]] || bad "the server ended with $status"
}

# A session with the same answers every time.
session() {
	{
		for ((i = 0; i < 200; i++)); do
			echo "set key$i value$((i * i))"
			echo "rpush list item$((i % 7))"
			echo "zadd sorted $((i * 37 % 101)) member$i"
		done
		echo 'get key99'
		echo 'lrange list 0 -1'
		echo 'zrange sorted 0 20 withscores'
		echo "eval \"return redis.call('dbsize')\" 0"
		echo 'append key99 more'
		echo 'no-such-command'
		echo 'del list'
	} | redis-cli -s socket
}

load() {
	redis-benchmark -s socket -q -n 5000 -c 20 -P 4 -d 100 -t set,get,lpush,lrange_100,zadd >benchmark.log 2>&1 ||
		bad "redis-benchmark failed with $1"
	session >"$1.out"
}

start
load native
stop
counter=$(counting_library jemalloc)
COUNT_OUTPUT=$PWD/alone PRELOAD=$counter start
alone=alone.$server_pid
stop
export COUNT_OUTPUT=$PWD/nested SHIM_OUTPUT=$PWD/%p.zst
PRELOAD="$counter $SHIM_LIB" start
load shim
stop
unset COUNT_OUTPUT
cmp native.out shim.out || bad "the server answers differently"
[[ $(wc -l <native.out) -gt 600 ]] || bad "the session proves nothing"
"$E2E/check_counts.py" "$server_pid.zst" "nested.$server_pid" "$alone" || bad "counts differ"
"$E2E/check_decoder.py" "$server_pid.zst" || bad "the decoders differ"

# and killed under load: everything up to the kill
PRELOAD=$SHIM_LIB SHIM_OUTPUT=$PWD/killed.zst start
load killed
{ kill -9 "$server_pid" && wait "$server_pid"; } 2>/dev/null
trap - EXIT
got=$(json killed.zst '[.trace.complete, .trace.quality.lost, .heap.allocations > 1000] | map(tostring) | join(" ")')
[[ $got == 'false 0 true' ]] || bad "after a kill: complete, lost, allocations: $got"
finish
