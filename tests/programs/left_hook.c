/* SPDX-License-Identifier: MIT */
/*
 * Leaves malloc by longjmp, as a program may that brings its own allocator, and allocates again from the same place:
 * the profiler's hook has the same frame both times, and has never come to its end the first time.
 * A perfect report says (to be run with signal_safe_malloc behind the profiler, else nothing is left early):
 * truth: leak leaver 50 2000
 */
/* build: -O0 -fno-builtin */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

/* Of signal_safe_malloc. */
extern void (*signal_safe_interrupt)(void) __attribute__((weak));

static jmp_buf back;
static void *volatile sink;

static void jump(void)
{
	longjmp(back, 1);
}

static void leaver(void)
{
	if (setjmp(back) == 0) {
		if (&signal_safe_interrupt) {
			signal_safe_interrupt = jump;
			sink = malloc(5);
		}
	}
	if (&signal_safe_interrupt)
		signal_safe_interrupt = NULL;
	sink = malloc(40);
}

int main(void)
{
	int i;

	for (i = 0; i < 50; i++)
		leaver();
	puts("left_hook: done");
	return 0;
}
