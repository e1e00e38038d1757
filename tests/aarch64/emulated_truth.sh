#!/bin/bash
# SPDX-License-Identifier: MIT
#
# emulated_truth.sh - the target programs of another machine: their output is the same with the library as without, and
# the report that this machine's tool makes of their trace agrees with the truth that they state, line by line. A
# second decoder reads some of the traces, too.
# timeout: 600
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

# What qemu-user cannot do, with or without the library: start another program of the guest (exec), a fork while
# other threads run; it does not wipe memory in a child (see arena.c) that is made by a system call of the program's
# own; its signals are no faster than a timer of 150 us. And what is for another test or needs more than the program.
except=' signal_inside exec_chain vfork_exec posix_spawn_exec clean_environment fork_threads raw_clone kill_me idle_server '
parts=' plugin_one plugin_two throwing_plugin '

# traces_of NAME: in $traces, the main one first.
traces_of() {
	mapfile -t traces < <(all_traces "$1")
	[[ -e ${traces[0]} ]] || { bad "$1: no trace"; return 1; }
}

with_truth=" $(programs_with_truth | tr '\n' ' ')"
checked=0
for source in "$SRC"/tests/programs/*.{c,cc}; do
	name=${source##*/}
	name=${name%.*}
	[[ "$except$parts" == *" $name "* || $name == bench_* || ! -e $PROGRAMS/$name ]] && continue
	run native "$PROGRAMS/$name"
	traced "$name" "$PROGRAMS/$name"
	same "$name" native "$name/run"
	if [[ $with_truth == *" $name "* ]] && traces_of "$name"; then
		"$E2E/check_truth.py" "$source" "${traces[@]}" || bad "$name"
		((++checked))
	fi
	case $name in
	leak_known | peak_threads | threads_stress | every_new | fork_tree | signal_alloc | mmap_events)
		"$E2E/check_decoder.py" "${traces[@]}" || bad "$name: the second decoder" ;;
	esac
	rm -rf "$name" native.*
done
((checked > 30)) || bad "only $checked programs were checked"
for how in return exit _exit _Exit syscall quick_exit abort sigterm sigkill sigsegv exit-in-thread last-thread; do
	traced "$how" "$PROGRAMS/exit_paths" "$how"
	traces_of "$how" || continue
	got=$(json "${traces[0]}" '[.leaks[] | select(any(.stack[]; .function == "kept_leak")) | .count] | add' leaks -n 0)
	[[ $got == 5 ]] || bad "$how: kept_leak has $got unfreed blocks instead of 5"
done
machine=$(json "${traces[0]}" .trace.system.kernel info)
[[ $machine == *aarch64 ]] || bad "the machine is $machine"
echo "$checked programs with a truth"
finish
