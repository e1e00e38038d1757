/* SPDX-License-Identifier: MIT */
/*
 * Threads named by pthread_setname_np (of itself and of another) and by prctl, before and after their
 * allocations; one thread is never named.
 * A perfect report's `threads` lists, beside the main thread (thread_names):
 * truth: thread reader 10
 * truth: thread writer 20
 * truth: thread by-prctl 30
 * each with so many allocations of leak_NAME.
 * truth: leak leak_reader 10 1000
 * truth: leak leak_writer 20 2000
 * truth: leak leak_prctl 30 3000
 */
/* build: -O0 -pthread */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

static pthread_barrier_t barrier;
static void *volatile sink;

static void *leak_reader(void *arg)
{
	int i;

	pthread_setname_np(pthread_self(), "reader");
	for (i = 0; i < 10; i++)
		sink = malloc(100);
	return arg;
}

static void *leak_writer(void *arg)
{
	int i;

	pthread_barrier_wait(&barrier); /* main has named us */
	for (i = 0; i < 20; i++)
		sink = malloc(100);
	return arg;
}

static void *leak_prctl(void *arg)
{
	int i;

	for (i = 0; i < 30; i++)
		sink = malloc(100);
	prctl(PR_SET_NAME, "by-prctl");
	return arg;
}

static void *unnamed(void *arg)
{
	free(malloc(1));
	return arg;
}

int main(void)
{
	pthread_t threads[4];
	int i, bad = 0;

	pthread_barrier_init(&barrier, NULL, 2);
	bad |= pthread_create(&threads[0], NULL, leak_reader, NULL);
	bad |= pthread_create(&threads[1], NULL, leak_writer, NULL);
	bad |= pthread_create(&threads[2], NULL, leak_prctl, NULL);
	bad |= pthread_create(&threads[3], NULL, unnamed, NULL);
	bad |= pthread_setname_np(threads[1], "writer");
	bad |= pthread_setname_np(pthread_self(), "a name too long for the kernel") == 0;
	pthread_barrier_wait(&barrier);
	for (i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	puts(bad ? "thread_names: bad" : "thread_names: good");
	return bad;
}
