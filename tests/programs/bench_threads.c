/* SPDX-License-Identifier: MIT */
/* build: -O2 -fno-builtin -fno-optimize-sibling-calls -pthread */
/*
 * Four threads (or as many as the argument says) that allocate, keep a window of blocks and
 * free them in another order. Nothing is left. A perfect report says: truth: leak work 0 0
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define STEPS   1500000
#define WINDOW  256
#define THREADS 64

static __attribute__((noinline)) void *work(void *argument)
{
	void *window[WINDOW] = { NULL };
	uint32_t random = 1 + (uint32_t)(uintptr_t)argument;
	int i;

	for (i = 0; i < STEPS; i++) {
		random = random * 1664525u + 1013904223u;
		free(window[random >> 24]);
		window[random >> 24] = malloc(16 + (random >> 8 & 255));
	}
	for (i = 0; i < WINDOW; i++)
		free(window[i]);
	return NULL;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 4, i;
	pthread_t threads[THREADS];

	if (count < 1 || count > THREADS)
		return 1;
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, work, (void *)(uintptr_t)i))
			return 1;
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	printf("%d\n", count);
	return 0;
}
