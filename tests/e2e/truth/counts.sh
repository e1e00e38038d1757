#!/bin/bash
# SPDX-License-Identifier: MIT
#
# counts.sh - the report's counts equal those of an independent counting library in the same run: call by
# call, function by function, byte by byte; on real programs and on those of tests/programs.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/workloads.sh"

# What these do depends on time or chance.
# (dlopen_plugin: libcount itself opens libstdc++, to find what is next.)
varying=' fork_threads threads_stress signal_alloc python3 python3-malloc cc1plus dlopen_plugin '

# check NAME COMMAND...: alone with the counting library, then with both.
check() {
	local name=$1 counter same=(same)
	shift
	[[ $varying != *" $name "* ]] || same=()
	# jemalloc's calls are counted where jemalloc is
	counter=$(counting_library "$([[ $name == jemalloc_api ]] && echo jemalloc)")
	COUNT_OUTPUT=$PWD/alone SHIM_OUTPUT=$PWD/%p.zst PRELOAD=$counter run alone-run "$@"
	[[ -z ${again-} ]] || workload "$name"
	COUNT_OUTPUT=$PWD/nested SHIM_OUTPUT=$PWD/%p.zst PRELOAD="$counter $SHIM_LIB" run nested-run "$@"
	"$E2E/check_counts.py" "$(cat nested-run.pid).zst" "nested.$(cat nested-run.pid)" "alone.$(cat alone-run.pid)" \
		"${same[@]}" ||
		bad "$name"
	rm -f -- alone.* nested.* *.zst *.zst.*
}

for name in "${WORKLOADS[@]}"; do
	workload "$name"
	again=yes check "$name" "${command[@]}"
done
INPUT=/dev/null
environment=()
for name in leak_known every_allocator every_new cxx_exceptions dlopen_plugin fork_tree fork_threads vfork_exec \
	posix_spawn_exec raw_clone threads_stress thread_exit_tls signal_alloc stack_switch realloc_fail rust_panic own_new \
	close_all_fds jemalloc_api temporary_known many_stacks static_lifetime; do
	check "$name" "$PROGRAMS/$name"
done
for how in exit _exit quick_exit exit-in-thread last-thread; do
	check exit_paths "$PROGRAMS/exit_paths" $how
done
finish
