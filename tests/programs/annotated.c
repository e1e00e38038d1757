/* SPDX-License-Identifier: MIT */
/*
 * Uses all of shim.h: a pool of its own, blocks that are no leak, marks, a stretch without
 * recording, names of threads. Its output is the same with and without the library, and dlerror()
 * has nothing to tell.
 * A perfect report says:
 * truth: leak pool_leak 3 300
 * truth: leak pool_grown 1 5000
 * truth: leak on_purpose 0 0
 * truth: leak while_off 0 0
 * truth: allocs while_off 0 0
 * truth: leak plain_leak 1 77
 * truth: thread a-name-longer-than-the-kernel-takes 2
 */
/* build: -O0 -pthread */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shim.h"

static char *pool;
static size_t pool_used;
static void *volatile sink;

static void *pool_get(size_t size)
{
	void *p = pool + pool_used;

	pool_used += (size + 15) & ~(size_t)15;
	shim_alloc(p, size);
	return p;
}

static void pool_put(void *p)
{
	shim_free(p);
}

static void pool_leak(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		void *p = pool_get(100);

		if (i >= 3)
			pool_put(p);
	}
	shim_free(NULL);
	shim_alloc(NULL, 1000);
}

static void pool_grown(void)
{
	void *p = pool_get(50), *bigger = pool + pool_used;

	pool_used += 5008;
	shim_realloc(p, bigger, 5000);
	shim_realloc(bigger, NULL, 1u << 30);
}

static void on_purpose(void)
{
	shim_ignore_begin();
	shim_ignore_begin();
	sink = malloc(1000);
	shim_ignore_end();
	sink = calloc(3, 1000);
	shim_ignore_end();
	shim_ignore_end(); /* one too many does no harm */
}

static void while_off(void)
{
	shim_stop();
	shim_stop();
	sink = malloc(2000);
	shim_ignore_begin();
	shim_start();
	shim_ignore_end();
}

static void plain_leak(void)
{
	sink = malloc(77);
}

static void *named(void *argument)
{
	shim_thread_name("a-name-longer-than-the-kernel-takes");
	free(malloc(5));
	free(malloc(6));
	return argument;
}

int main(void)
{
	pthread_t thread;
	const char *text;

	pool = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	errno = 0;
	shim_mark("begin");
	pool_leak();
	pool_grown();
	on_purpose();
	while_off();
	plain_leak();
	shim_mark("end");
	pthread_create(&thread, NULL, named, NULL);
	pthread_join(thread, NULL);
	text = dlerror();
	printf("errno %d, dlerror %s\n", errno, text ? text : "nothing");
	return 0;
}
