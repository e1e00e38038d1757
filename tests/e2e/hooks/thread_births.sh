#!/bin/bash
# SPDX-License-Identifier: MIT
#
# thread_births.sh - the trace says which thread created which and where; however a thread is created and ended, its results are its
# own, and no frame of the library stands on its stack.
# shellcheck disable=SC2154  # variables shared with lib.sh
. "$SRC/tests/e2e/lib.sh"

cat >main.c <<'END'
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <threads.h>
#include <unistd.h>
static void *volatile sink;
static void *by_return(void *argument) { sink = malloc(1); return argument; }
static void *by_exit(void *argument) { sink = malloc(1); pthread_exit(argument); }
static void *by_cancel(void *argument) { (void)argument; sink = malloc(1); for (;;) pause(); }
static int by_c11(void *argument) { sink = malloc(1); return *(int *)argument; }
static void *of_own_stack(void *argument)
{
	pthread_attr_t attr;
	size_t size;
	sink = malloc(1);
	pthread_getattr_np(pthread_self(), &attr);
	pthread_attr_getstacksize(&attr, &size);
	pthread_attr_destroy(&attr);
	printf("stack of %zu\n", size);
	return argument;
}
static void *grand_child(void *argument) { sink = malloc(1); return argument; }
static void *creates(void *argument)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, grand_child, argument))
		return NULL;
	pthread_join(thread, &argument);
	return argument;
}
static void *quick(void *argument) { return argument; }
int main(void)
{
	static void *(*const starts[])(void *) = { by_return, by_exit, by_cancel, of_own_stack, creates };
	static pthread_t many[700];
	pthread_attr_t attr;
	pthread_t thread;
	int value = 42, result = 0;
	thrd_t c11;
	size_t i, failed = 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 262144);
	for (i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		void *got = NULL;
		int error = pthread_create(&thread, starts[i] == of_own_stack ? &attr : NULL, starts[i], &value);
		if (starts[i] == by_cancel)
			pthread_cancel(thread);
		pthread_join(thread, &got);
		printf("%zu %d %s\n", i, error, got == &value ? "own" : got == PTHREAD_CANCELED ? "cancelled" : "wrong");
	}
	if (thrd_create(&c11, by_c11, &value) == thrd_success)
		thrd_join(c11, &result);
	printf("c11 %d\n", result);
	/* a stack that cannot be had: the error is the caller's, and nothing is left behind */
	pthread_attr_setstacksize(&attr, (size_t)1 << 46);
	for (i = 0; i < 1000; i++)
		failed += pthread_create(&thread, &attr, quick, NULL) != 0;
	printf("failed %zu\n", failed);
	for (i = 0; i < 700; i++)
		if (pthread_create(&many[i], NULL, quick, &many[i]))
			return 1;
	for (i = 0; i < 700; i++) {
		void *got;
		pthread_join(many[i], &got);
		if (got != &many[i])
			return 2;
	}
	return 0;
}
END
"$CC" -O1 -g -fno-inline -pthread -o main main.c || exit 1
run native ./main
traced shim ./main
same main native shim/run
trace=$(main_trace shim)
"$SRC/tests/decode/shimdump.py" dump "$trace" >dump.txt
# main made six and 700, thread `creates` one
[[ $(grep -c 'thread start: .* creator 1 stack [1-9]' dump.txt) == 706 ]] ||
	bad "main created $(grep -c 'thread start: .* creator 1 stack [1-9]' dump.txt) threads, not 706"
[[ $(grep 'thread start:' dump.txt | grep -vc 'creator [01] ') == 1 ]] || bad 'the thread of a thread has the wrong creator'
[[ $(grep -c 'thread start: .* creator 0' dump.txt) == 1 ]] || bad 'a thread of unknown birth'
for name in by_return by_exit by_cancel by_c11 of_own_stack grand_child; do
	stack=$(json "$trace" "[.leaks[] | select(.stack[0].function == \"$name\") | .stack[].function] | join(\" \")" leaks -n 0)
	[[ $stack == "$name start_thread "* || $stack == "$name "*clone3* ]] || bad "$name: its stack is $stack"
	[[ $stack != *begin_* ]] || bad "$name: a frame of the library on its stack"
done
[[ $(json "$trace" '[.leaks[].stack[].module | select(. != null and endswith("libshim.so"))] | length' leaks -n 0) == 0 ]] ||
	bad 'frames of the library in the report'
finish
