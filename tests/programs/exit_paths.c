/* SPDX-License-Identifier: MIT */
/*
 * Every way to end a process; the first argument names it (default: return).
 * A perfect report says, whichever way:
 * truth: leak kept_leak 5 500
 * truth: leak late_leak 0 0
 * truth: valgrind
 * and, where exit handlers run (return, exit, exit-in-thread, last-thread), that the block freed by the
 * atexit handler and the one freed by the destructor function are no leaks:
 * truth: leak for_atexit 0 0
 * truth: leak for_destructor 0 0
 * With quick_exit the block of for_quick is freed by its handler. With the others these are unfreed.
 */
/* build: -O0 -pthread */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *volatile sink;
static void *atexit_block, *destructor_block, *quick_block;

static void kept_leak(void)
{
	int i;

	for (i = 0; i < 5; i++)
		sink = malloc(100);
}

static void *for_atexit(void)
{
	return malloc(1001);
}

static void *for_destructor(void)
{
	return malloc(1002);
}

static void *for_quick(void)
{
	return malloc(1003);
}

static void late_leak(void)
{
	free(malloc(2000));
}

static void at_exit(void)
{
	late_leak();
	free(atexit_block);
}

static void at_quick(void)
{
	free(quick_block);
}

__attribute__((destructor)) static void at_destruction(void)
{
	late_leak();
	free(destructor_block);
	free(quick_block);
}

static void *exit_in_thread(void *arg)
{
	exit(44);
	return arg;
}

static void *last_thread(void *arg)
{
	usleep(20000); /* main is gone by now, or will be: both are legal */
	free(malloc(10));
	return arg;
}

static void end_by(const char *how)
{
	struct rlimit no_core = { 0, 0 };
	pthread_t thread;

	setrlimit(RLIMIT_CORE, &no_core);
	if (!strcmp(how, "exit"))
		exit(41);
	if (!strcmp(how, "_exit"))
		_exit(42);
	if (!strcmp(how, "_Exit"))
		_Exit(42);
	if (!strcmp(how, "syscall"))
		syscall(SYS_exit_group, 42);
	if (!strcmp(how, "quick_exit"))
		quick_exit(43);
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "sigterm"))
		raise(SIGTERM);
	if (!strcmp(how, "sigkill"))
		raise(SIGKILL);
	if (!strcmp(how, "sigsegv"))
		*(volatile int *)16 = 1;
	if (!strcmp(how, "sigsys"))
		raise(SIGSYS);
	if (!strcmp(how, "exit-in-thread") && pthread_create(&thread, NULL, exit_in_thread, NULL) == 0)
		pthread_join(thread, NULL);
	if (!strcmp(how, "last-thread") && pthread_create(&thread, NULL, last_thread, NULL) == 0)
		pthread_exit(NULL);
}

int main(int argc, char **argv)
{
	kept_leak();
	atexit_block = for_atexit();
	destructor_block = for_destructor();
	quick_block = for_quick();
	atexit(at_exit);
	at_quick_exit(at_quick);
	late_leak();
	if (write(1, "exit_paths\n", 11) != 11)
		return 1;
	if (argc > 1)
		end_by(argv[1]);
	return 40;
}
