/* SPDX-License-Identifier: MIT */
/*
 * Signal handlers that allocate, on the thread's own stack and on an alternate one, raised at a point
 * where that is safe, from a timer while the program computes, and left by siglongjmp.
 * A perfect report says:
 * truth: leak on_plain 5 5000
 * truth: leak on_alternate 5 10000
 * truth: leak on_jump 7 700
 * truth: leak on_timer 0 0
 * Stacks of the handlers reach main through the signal frame:
 * truth: leak main 17 15700
 */
/* build: -O0 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

static void *volatile sink;
static volatile unsigned long sum;
static volatile sig_atomic_t alternate_bad, ticks, computing;
static sigjmp_buf back;
static char *alternate;

static void on_plain(int signal)
{
	(void)signal;
	sink = malloc(1000);
}

static void on_alternate(int signal)
{
	char here;

	(void)signal;
	if (&here < alternate || &here >= alternate + 65536)
		alternate_bad = 1;
	sink = malloc(2000);
}

static void on_jump(int signal)
{
	(void)signal;
	sink = malloc(100);
	siglongjmp(back, 1);
}

/* Only while main() is outside the allocator, as the C library requires. */
static void on_timer(int signal)
{
	(void)signal;
	if (computing)
		free(malloc(10));
	ticks++;
}

static void set(int signal, void (*handler)(int), int flags)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = handler;
	action.sa_flags = flags;
	sigaction(signal, &action, NULL);
}

static void compute_under_timer(void)
{
	struct itimerval every = { { 0, 2000 }, { 0, 2000 } }, off;

	memset(&off, 0, sizeof(off));
	set(SIGALRM, on_timer, SA_RESTART);
	setitimer(ITIMER_REAL, &every, NULL);
	while (ticks < 50) {
		unsigned i;

		for (i = 0; i < 200; i++)
			free(malloc(64));
		computing = 1;
		for (i = 0; i < 100000; i++)
			sum += i;
		computing = 0;
	}
	setitimer(ITIMER_REAL, &off, NULL);
}

int main(void)
{
	volatile int i, jumps = 0;
	stack_t stack;

	alternate = malloc(65536);
	memset(&stack, 0, sizeof(stack));
	stack.ss_sp = alternate;
	stack.ss_size = 65536;
	if (sigaltstack(&stack, NULL))
		return 1;
	set(SIGUSR1, on_plain, 0);
	set(SIGUSR2, on_alternate, SA_ONSTACK);
	set(SIGTERM, on_jump, SA_NODEFER);
	for (i = 0; i < 5; i++) {
		raise(SIGUSR1);
		kill(getpid(), SIGUSR2);
	}
	for (i = 0; i < 7; i++) {
		if (sigsetjmp(back, 1) == 0)
			raise(SIGTERM);
		else
			jumps++;
	}
	compute_under_timer();
	stack.ss_flags = SS_DISABLE;
	sigaltstack(&stack, NULL);
	free(alternate);
	printf("signal_alloc: jumps %d, alternate %s\n", jumps, alternate_bad ? "bad" : "good");
	return jumps != 7 || alternate_bad;
}
