/* SPDX-License-Identifier: MIT */
/*
 * Allocates on the stack of a coroutine, unmaps that stack, maps a smaller one over its lower part and allocates
 * there from the same function, at all distances, so that frames come to lie where frames lay whose callers are
 * no longer there. Reading what was there before ends the program; believing it gives blocks to the wrong
 * coroutine.
 * A perfect report says:
 * truth: leak large_body 0 0
 * truth: leak small_body 64 6400
 * truth: leak home_leak 64 512
 * truth: leak main 64 512
 */
/* build: -O1 -fno-optimize-sibling-calls -fno-inline */
#define _GNU_SOURCE
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define SMALL_BYTES ((size_t)64 << 10)
#define LARGE_BYTES (SMALL_BYTES + 8192)
#define PADS        64

static ucontext_t home, away;
static void *volatile sink;
static volatile int touch;
static char *place;

/* Goes down to 2 KB below the top of the small stack, allocates there and does not come back. */
static void deepen(size_t size)
{
	volatile char room[40];

	room[0] = (char)size;
	if ((char *)room > place + SMALL_BYTES - 2048)
		deepen(size);
	else
		sink = size ? malloc(size) : NULL;
	if (!size)
		free(malloc(24));
	swapcontext(&away, &home);
	touch += room[0];
}

static void home_leak(void)
{
	sink = malloc(8);
}

static void large_body(void)
{
	deepen(0);
	touch++;
}

static void small_body(int pad)
{
	volatile char *p = alloca((size_t)pad * 16 + 16);

	p[0] = 1;
	deepen(100);
	touch += p[0];
}

static void run(char *stack, size_t size, void (*body)(void), int argument)
{
	getcontext(&away);
	away.uc_stack.ss_sp = stack;
	away.uc_stack.ss_size = size;
	away.uc_link = &home;
	makecontext(&away, body, 1, argument);
	swapcontext(&home, &away);
}

int main(void)
{
	int protection = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS, pad;
	char *stack;

	/* Neighbours stay unreadable. */
	place = mmap(NULL, 2 * LARGE_BYTES, PROT_NONE, flags, -1, 0);
	for (pad = 0; pad < PADS; pad++) {
		stack = mmap(place, LARGE_BYTES, protection, flags | MAP_FIXED, -1, 0);
		run(stack, LARGE_BYTES, large_body, 0);
		munmap(stack, LARGE_BYTES);
		home_leak();
		stack = mmap(place, SMALL_BYTES, protection, flags | MAP_FIXED, -1, 0);
		run(stack, SMALL_BYTES, (void (*)(void))small_body, pad);
		munmap(stack, SMALL_BYTES);
		mmap(place, LARGE_BYTES, PROT_NONE, flags | MAP_FIXED, -1, 0);
	}
	puts("stack_gone: done");
	return 0;
}
