/* SPDX-License-Identifier: MIT */
/*
 * Coroutines: allocations on stacks that are switched with swapcontext, given back and mapped again at
 * the same place, and left by longjmp.
 * A perfect report says:
 * truth: leak coroutine_leak 40 4000
 * truth: leak jump_leak 10 500
 * truth: leak yield_often 0 0
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

#define COROUTINES 4

static ucontext_t home, away[COROUTINES];
static void *volatile sink;
static jmp_buf out;

static void coroutine_leak(void)
{
	sink = malloc(100);
}

static void yield_often(int me)
{
	int i;

	for (i = 0; i < 1000; i++) {
		void *p = malloc(64 + (size_t)i % 100);

		if (i % 7 == 0)
			swapcontext(&away[me], &home);
		free(p);
	}
}

static void body(int me)
{
	int i;

	for (i = 0; i < 2; i++) {
		coroutine_leak();
		yield_often(me);
	}
}

static void generation(size_t stack_size)
{
	void *stacks[COROUTINES];
	int i, round;

	for (i = 0; i < COROUTINES; i++) {
		stacks[i] = mmap(NULL, stack_size, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		getcontext(&away[i]);
		away[i].uc_stack.ss_sp = stacks[i];
		away[i].uc_stack.ss_size = stack_size;
		away[i].uc_link = &home;
		makecontext(&away[i], (void (*)(void))body, 1, i);
	}
	/* 286 switches and the final return of each coroutine */
	for (round = 0; round < 287; round++)
		for (i = 0; i < COROUTINES; i++)
			swapcontext(&home, &away[i]);
	for (i = 0; i < COROUTINES; i++)
		munmap(stacks[i], stack_size);
}

static void jump_leak(void)
{
	sink = malloc(50);
	longjmp(out, 1);
}

static void jump_from(int depth)
{
	if (depth > 0)
		jump_from(depth - 1);
	else
		jump_leak();
}

int main(void)
{
	volatile int i;

	/* each generation's stacks are smaller and lie where the last ones lay */
	for (i = 0; i < 5; i++)
		generation((size_t)(262144 - 40960 * i));
	for (i = 0; i < 10; i++)
		if (setjmp(out) == 0)
			jump_from(i);
	puts("stack_switch: done");
	return 0;
}
