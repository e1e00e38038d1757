/* SPDX-License-Identifier: MIT */
/*
 * A timer's handler allocates and maps memory whatever it has interrupted, a hook of the profiler's in the middle of
 * its work included, and where it has interrupted a computation may leave by siglongjmp. That is allowed only with an
 * allocator that is made for it: to be run with signal_safe_malloc behind the profiler; without it the handler does
 * not allocate. What it allocates inside a hook is not recorded, all else is.
 * A perfect report says:
 * truth: leak steady_leak 5000 240000
 * truth: leak many_shapes 0 0
 * truth: leak on_timer 0 0
 */
/* build: -O1 -fno-optimize-sibling-calls -fno-inline -fno-builtin */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>

#define TICKS 2000
#define LEAKS 5000

/* Of signal_safe_malloc. */
extern int signal_safe_malloc __attribute__((weak));

static void *volatile sink;
static volatile sig_atomic_t ticks, may_jump;
static volatile int touch;
static sigjmp_buf back;

static void in_handler(int depth)
{
	void *p;

	if (depth) {
		in_handler(depth - 1);
		touch++;
		return;
	}
	p = &signal_safe_malloc ? malloc(33) : NULL;
	munmap(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 4096);
	free(p);
}

static void on_timer(int signal)
{
	(void)signal;
	ticks++;
	in_handler(ticks % 7);
	if (may_jump && ticks % 16 == 0)
		siglongjmp(back, 1);
}

static void steady_leak(void)
{
	sink = malloc(48);
}

static void many_shapes(int depth, size_t size)
{
	void *p = malloc(size);

	if (depth)
		many_shapes(depth - 1, size + 16);
	free(p);
}

static void compute(void)
{
	int n;

	for (n = 0; n < 20000; n++)
		touch++;
}

int main(void)
{
	struct itimerval every = { { 0, 150 }, { 0, 150 } }, off;
	struct sigaction action;
	char *alternate = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);
	stack_t stack = { .ss_sp = alternate, .ss_size = 65536 };
	volatile int i, leaks = 0;

	memset(&off, 0, sizeof(off));
	memset(&action, 0, sizeof(action));
	sigaltstack(&stack, NULL);
	action.sa_handler = on_timer;
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
	for (i = 0; ticks < TICKS || leaks < LEAKS; i++) {
		if (leaks < LEAKS) {
			steady_leak();
			leaks++;
		}
		many_shapes(i % 12, 16);
		if (i == TICKS) {
			action.sa_flags = SA_ONSTACK;
			sigaction(SIGALRM, &action, NULL);
		}
		if (sigsetjmp(back, 1) == 0) {
			may_jump = 1;
			compute();
		}
		may_jump = 0;
	}
	setitimer(ITIMER_REAL, &off, NULL);
	puts("signal_inside: done");
	return 0;
}
