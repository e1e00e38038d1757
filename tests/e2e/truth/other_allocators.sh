#!/bin/bash
# SPDX-License-Identifier: MIT
#
# other_allocators.sh - jemalloc and tcmalloc, preloaded before or behind the library, or linked: calls go on
# to the next definition, never around it to the C library, and the report is as true as ever.
# shellcheck disable=SC2034,SC2154  # variables shared with lib.sh and workloads.sh
. "$SRC/tests/e2e/lib.sh"

cat >who.c <<'END'
/* Whose malloc_usable_size answers for a block of 5000: 5120 is jemalloc's or tcmalloc's class, 5000 the C library's. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
	void *p = malloc(5000);
	printf("%zu\n", malloc_usable_size(p));
	free(p);
	return 0;
}
END
"$CC" -O0 -o who who.c || exit 1

library() {
	/sbin/ldconfig -p | sed -n "s,.*$1.* => ,,p" | head -n 1
}

jemalloc=$(library libjemalloc.so)
tcmalloc=$(library libtcmalloc_minimal.so)
for allocator in "$jemalloc" "$tcmalloc"; do
	[[ -e $allocator ]] || { bad "an allocator is missing"; continue; }
	PRELOAD=$allocator run native ./who
	PRELOAD="$SHIM_LIB $allocator" SHIM_OUTPUT=$PWD/who.%p.zst run shim ./who
	same "$allocator behind the library" native shim
	for name in leak_known every_allocator every_new many_stacks threads_stress cxx_exceptions realloc_fail fork_tree; do
		# jemalloc answers realloc(p, 0) in another way, and has no pvalloc: a crash without us, too
		[[ $name == realloc_fail || $name == every_allocator ]] && [[ $allocator == *jemalloc* ]] && continue
		PRELOAD=$allocator run native "$PROGRAMS/$name"
		for preload in "$SHIM_LIB $allocator" "$allocator $SHIM_LIB"; do
			rm -rf shim && mkdir shim
			SHIM_OUTPUT=$PWD/shim/%p.zst PRELOAD=$preload run shim/run "$PROGRAMS/$name"
			same "$name with $preload" native shim/run
			# behind the allocator the library sees little; before it, everything
			[[ $preload == "$SHIM_LIB "* ]] || continue
			mapfile -t traces < <(all_traces shim)
			"$E2E/check_truth.py" "$(source_of "$name")" "${traces[@]}" || bad "$name with $preload"
		done
	done
done
"$CC" -O0 -o who-jemalloc who.c -Wl,--no-as-needed -ljemalloc || bad "cannot link jemalloc"
"$CC" -O0 -o who-tcmalloc who.c -Wl,--no-as-needed -ltcmalloc_minimal || bad "cannot link tcmalloc"
for name in who who-jemalloc who-tcmalloc; do
	run native ./$name
	traced "$name-traces" ./$name
	same $name native "$name-traces/run"
	got=$(json "$(main_trace "$name-traces")" '[.sites[] | select(any(.stack[]; .function == "main")) | .bytes] | max' allocs -n 0)
	[[ $got == 5000 ]] || bad "$name: the report has $got bytes for a block of 5000"
done
[[ $(cat who-traces/run.out) != "$(cat who-jemalloc-traces/run.out)" ]] || bad "the sizes do not tell the allocators apart"
finish
