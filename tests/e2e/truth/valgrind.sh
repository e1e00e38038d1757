#!/bin/bash
# SPDX-License-Identifier: MIT
#
# valgrind.sh - what is unfreed at the end is what valgrind says: the sum of definitely, indirectly and
# possibly lost and still reachable, in bytes and in blocks.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"
. "$SRC/tests/e2e/workloads.sh"

# C library and C++ runtime blocks stay where they are in both. (Not judged are programs that valgrind cannot run:
# every_new fails to allocate, vfork_exec asks for /proc/self/exe, every_allocator calls pvalloc.)
judge=(valgrind -q --leak-check=full --show-leak-kinds=all --leak-resolution=high --run-libc-freeres=no
	--run-cxx-freeres=no --xml=yes --child-silent-after-fork=yes --num-callers=100)

check() {
	local name=$1
	shift
	run judged "${judge[@]}" --xml-file=judge.xml "$@"
	traced "$name" "$@"
	"$E2E/check_valgrind.py" judge.xml "$(main_trace "$name")" || bad "$name"
	rm -rf "$name"
}

for name in $(programs_with_truth valgrind) cxx_exceptions dlopen_plugin fork_tree raw_clone temporary_known peak_threads \
	many_stacks static_lifetime thread_exit_tls thread_names signal_alloc rust_panic alloca_rbp; do
	check "$name" "$PROGRAMS/$name"
done
for how in exit _exit quick_exit; do
	check "exit_paths-$how" "$PROGRAMS/exit_paths" $how
done
workload sqlite3
check sqlite3 "${command[@]}"
finish
