/* SPDX-License-Identifier: MIT */
/*
 * Eight threads whose common peak is fixed by barriers: in round r, thread r holds the most. At the
 * highest moment (round 5) every thread holds 100000 bytes and thread 5 a further 900000; the block
 * is freed by the next thread, so that the order across threads matters.
 * A perfect report says:
 * truth: peak hold 8 800000
 * truth: peak spike 1 900000
 * truth: peak small_spike 0 0
 * truth: leak hold 0 0
 * truth: leak spike 0 0
 */
/* build: -O0 -pthread */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 8

static pthread_barrier_t barrier;
static void *passed;

static void *hold(void)
{
	return malloc(100000);
}

static void *spike(void)
{
	return malloc(900000);
}

static void *small_spike(int round)
{
	return malloc(800000 + 10000 * (size_t)round);
}

static void *run(void *arg)
{
	int me = (int)(size_t)arg, round;
	void *mine = hold();

	for (round = 0; round < THREADS; round++) {
		pthread_barrier_wait(&barrier);
		if (round == me)
			passed = round == 5 ? spike() : small_spike(round);
		pthread_barrier_wait(&barrier);
		if ((round + 1) % THREADS == me)
			free(passed);
	}
	pthread_barrier_wait(&barrier);
	free(mine);
	return NULL;
}

int main(void)
{
	pthread_t threads[THREADS];
	size_t i;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)i))
			return 1;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	puts("peak_threads: done");
	return 0;
}
