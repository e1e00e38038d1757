#!/bin/bash
# SPDX-License-Identifier: MIT
#
# marks.sh - what was allocated between two marks is what --from and --to show, to the block: in a process with one thread,
# where most events are not stamped, as in one with two.
# shellcheck disable=SC2154  # variables of the runner
. "$SRC/tests/e2e/lib.sh"

cat >marked.c <<'EOF'
#include <pthread.h>
#include <stdlib.h>
#include "shim.h"
void *volatile keep;
static __attribute__((noinline)) void allocate(int count, size_t size)
{
	while (count--)
		keep = malloc(size);
}
static void *body(void *p) { return p; }
int main(int argc, char **argv)
{
	pthread_t thread;
	(void)argv;
	if (argc > 1 && pthread_create(&thread, NULL, body, NULL) == 0)
		pthread_join(thread, NULL);
	allocate(3, 1000);
	shim_mark("warm");
	allocate(5, 100);
	shim_mark("cool");
	allocate(2, 10);
	return 0;
}
EOF
"$CC" -g -O1 -fno-builtin -fno-optimize-sibling-calls -pthread -I"$SRC/include" -o marked marked.c || bad 'cannot compile'

# between TRACE FROM TO BYTES: the bytes of all that allocate() left in that window
between() {
	local got
	got=$("$SHIM_ANALYZE" leaks --format json -n 0 -I '^allocate$' --from "$2" --to "$3" "$1" | jq .totals.unfreed.bytes)
	[[ $got == "$4" ]] || bad "$1, $2 to $3: the report has $got bytes, the truth is $4"
}

SHIM_OUTPUT=one.zst LD_PRELOAD=$SHIM_LIB ./marked
SHIM_OUTPUT=two.zst LD_PRELOAD=$SHIM_LIB ./marked threads
for trace in one.zst two.zst; do
	between "$trace" 0 warm 3000
	between "$trace" warm cool 500
	between "$trace" cool 100% 20
	between "$trace" warm 100% 520
done
finish
