#!/bin/bash
# SPDX-License-Identifier: MIT
#
# valgrind.sh - what is unfreed at the end is what valgrind says: the sum of definitely, indirectly and
# possibly lost and still reachable, in bytes and in blocks.
# timeout: 300
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

# C library and C++ runtime blocks stay where they are in both. (Not judged are programs that valgrind cannot run:
# every_new fails to allocate, vfork_exec asks for /proc/self/exe, every_allocator calls pvalloc.)
judge=(valgrind -q --leak-check=full --show-leak-kinds=all --leak-resolution=high --run-libc-freeres=no
	--run-cxx-freeres=no --xml=yes --child-silent-after-fork=yes --num-callers=100)

check() {
	local name=$1 wanted got
	shift
	run judged "${judge[@]}" --xml-file=judge.xml "$@"
	wanted=$(sed -n 's,^ *<leakedblocks>\([0-9]*\)</leakedblocks>,blocks \1,p; s,^ *<leakedbytes>\([0-9]*\)</leakedbytes>,bytes \1,p' \
		judge.xml | awk '{ sum[$1] += $2 } END { printf "%d %d\n", sum["blocks"] + 0, sum["bytes"] + 0 }')
	traced "$name" "$@"
	got=$(json "$(main_trace "$name")" '"\(.heap.live_count) \(.heap.live_bytes)"')
	[[ $got == "$wanted" ]] || bad "$name: $got blocks and bytes unfreed, valgrind says $wanted"
	[[ $wanted != '0 0' ]] || bad "$name: valgrind saw nothing, so this proves nothing"
	echo "$name: $wanted"
	rm -rf "$name"
}

for name in $(programs_with_truth valgrind) cxx_exceptions dlopen_plugin fork_tree raw_clone temporary_known peak_threads \
	many_stacks static_lifetime thread_exit_tls thread_names signal_alloc rust_panic alloca_rbp; do
	check "$name" "$PROGRAMS/$name"
done
for how in exit _exit quick_exit; do
	check "exit_paths-$how" "$PROGRAMS/exit_paths" $how
done
check jq jq -n '[range(1000)] | map({a: tostring}) | length'
finish
