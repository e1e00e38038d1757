#!/bin/bash
# SPDX-License-Identifier: MIT
#
# transparent.sh - every target program gives the same output, errors and exit status with the library as
# without. Among them are those that look at descriptors, errno, umask, signals, timers, threads and the
# environment, and those that close, limit and change everything.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

# compare NAME COMMAND...
compare() {
	local name=$1
	shift
	run native "$@"
	traced shim "$@"
	same "$name" native shim/run
	rm -rf shim native.*
}

# These take arguments or are no programs.
except=' kill_me plugin_one plugin_two throwing_plugin python_module exit_paths '

for source in "$SRC"/tests/programs/*.{c,cc,rs}; do
	name=${source##*/}
	name=${name%.*}
	[[ $except == *" $name "* || $name == sym_* || $name == demo_* ]] && continue
	compare "$name" "$PROGRAMS/$name"
done
for how in return exit _exit _Exit syscall quick_exit abort sigterm sigkill sigsegv sigsys exit-in-thread last-thread; do
	compare "exit_paths $how" "$PROGRAMS/exit_paths" $how
done
compare 'rust_panic uncaught' "$PROGRAMS/rust_panic" uncaught
compare 'an unknown option' "$PROGRAMS/kill_me"
compare 'a command that does not exist' /nonexistent/program
for closed in '0<&-' '1>&-' '2>&-' '0<&- 1>&- 2>&-'; do
	compare "stdio_closed with $closed" bash -c "exec '$PROGRAMS/stdio_closed' $closed"
	compare "low_fds with $closed" bash -c "'$PROGRAMS/low_fds' $closed"
done
compare 'the descriptors of a child' bash -c 'env -u LD_PRELOAD ls /proc/self/fd; env -u LD_PRELOAD cat /proc/self/status | grep Threads'
compare 'a user namespace' bash -c 'unshare -U -r id -u || unshare -U true || echo not allowed'
compare 'a low limit of descriptors' bash -c "ulimit -n 5; exec '$PROGRAMS/leak_known'"
compare 'no room for a file' bash -c "ulimit -f 0; trap '' XFSZ; exec '$PROGRAMS/threads_stress'"
compare 'little address space' bash -c "ulimit -v 400000; exec '$PROGRAMS/leak_known'"
compare 'a small stack' bash -c "ulimit -s 128; exec '$PROGRAMS/threads_stress'"
compare 'an empty environment' bash -c "exec env -i '$PROGRAMS/leak_known'"
finish
