/* SPDX-License-Identifier: MIT */
/* build: -O2 -fno-builtin -fno-optimize-sibling-calls -pthread */
/*
 * How long single calls of malloc and free take, or how many of them there are in a second:
 *
 *   bench_calls THREADS CALLS wall|cpu|rate
 *
 * Each thread walks up and down a tree of calls, so that stacks of 4 to 18 frames come in turn,
 * and at each node frees a random block of its window and allocates another. wall: percentiles of
 * the time of a call in ns; cpu: the same of the thread's own CPU time, which leaves out what other
 * threads and processes take; here every fourth place asks for sizes that vary. rate: million
 * calls a second, all threads together. CALLS is the number over all threads. Nothing is left. A
 * perfect report says: truth: leak work 0 0
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WINDOW     2048
#define THREADS    64
#define TREE_DEPTH 14
#define FINE       64 /* buckets of a factor of two */
#define BUCKETS    (64 * FINE)
#define NOINLINE   __attribute__((noinline))

enum mode { MODE_WALL, MODE_CPU, MODE_RATE };

struct work {
	void *window[WINDOW];
	uint64_t histogram[BUCKETS];
	uint64_t longest;
	long left;
	uint32_t random;
};

static enum mode mode;
static long calls_of_thread;

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static unsigned bucket_of(uint64_t ns)
{
	int shift = 63 - __builtin_clzll(ns | 1) - 6;

	return ns < FINE ? (unsigned)ns
			 : (unsigned)((shift + 1) * FINE) + (unsigned)(ns >> shift & (FINE - 1));
}

static uint64_t bucket_start(unsigned bucket)
{
	unsigned shift = bucket / FINE;

	return shift ? (FINE + (uint64_t)(bucket % FINE)) << (shift - 1) : bucket;
}

static void note(struct work *w, uint64_t start, uint64_t end)
{
	w->histogram[bucket_of(end - start)]++;
	if (end - start > w->longest)
		w->longest = end - start;
}

static NOINLINE void step(struct work *w, int depth)
{
	clockid_t clock = mode == MODE_CPU ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC;
	uint64_t begin, between, end;
	size_t size;
	void **slot;

	w->left -= 2;
	w->random = w->random * 1664525u + 1013904223u;
	size = 16 + (size_t)depth * 12;
	if (depth % 4 == 0 && mode != MODE_RATE)
		size = 16 + (size_t)(w->random >> 8 & 255);
	slot = &w->window[w->random >> 21];
	if (mode == MODE_RATE) {
		free(*slot);
		*slot = malloc(size);
		return;
	}
	begin = now_ns(clock);
	free(*slot);
	between = now_ns(clock);
	*slot = malloc(size);
	end = now_ns(clock);
	note(w, begin, between);
	note(w, between, end);
}

static NOINLINE int walk(struct work *w, int depth)
{
	int count = 1;

	step(w, depth);
	if (depth && w->left > 0)
		count += walk(w, depth - 1);
	if (depth && w->left > 0)
		count += walk(w, depth - 1);
	return count;
}

static NOINLINE void *work(void *argument)
{
	struct work *w = argument;
	int i;

	w->left = calls_of_thread;
	while (w->left > 0)
		walk(w, TREE_DEPTH);
	for (i = 0; i < WINDOW; i++)
		free(w->window[i]);
	return NULL;
}

static void print_percentiles(const struct work *all)
{
	static const struct {
		const char *name;
		double share;
	} wanted[] = { { "p50", 0.5 },
		       { "p99", 0.99 },
		       { "p99.9", 0.999 },
		       { "p99.99", 0.9999 },
		       { "p99.999", 0.99999 } };
	uint64_t total = 0, seen = 0;
	unsigned bucket, i = 0;

	for (bucket = 0; bucket < BUCKETS; bucket++)
		total += all->histogram[bucket];
	for (bucket = 0; bucket < BUCKETS && i < sizeof(wanted) / sizeof(wanted[0]); bucket++) {
		seen += all->histogram[bucket];
		for (; i < sizeof(wanted) / sizeof(wanted[0]) &&
		       (double)seen >= wanted[i].share * (double)total;
		     i++)
			printf("%s %llu\n", wanted[i].name, (unsigned long long)bucket_start(bucket));
	}
	printf("max %llu\n", (unsigned long long)all->longest);
}

int main(int argc, char **argv)
{
	static struct work works[THREADS];
	pthread_t threads[THREADS];
	int count = argc == 4 ? atoi(argv[1]) : 0, i, bucket;
	uint64_t begin;

	if (count < 1 || count > THREADS) {
		fputs("usage: bench_calls THREADS CALLS wall|cpu|rate\n", stderr);
		return 2;
	}
	calls_of_thread = atol(argv[2]) / count;
	mode = strcmp(argv[3], "wall") == 0  ? MODE_WALL
	       : strcmp(argv[3], "cpu") == 0 ? MODE_CPU
					     : MODE_RATE;
	begin = now_ns(CLOCK_MONOTONIC);
	for (i = 0; i < count; i++) {
		works[i].random = (uint32_t)i + 1;
		if (i && pthread_create(&threads[i], NULL, work, &works[i]))
			return 1;
	}
	work(&works[0]); /* a program with one thread has never made another */
	for (i = 1; i < count; i++)
		pthread_join(threads[i], NULL);
	if (mode == MODE_RATE) {
		printf("%.3f\n", (double)calls_of_thread * count * 1e3 /
					 (double)(now_ns(CLOCK_MONOTONIC) - begin));
		return 0;
	}
	for (i = 1; i < count; i++) {
		for (bucket = 0; bucket < BUCKETS; bucket++)
			works[0].histogram[bucket] += works[i].histogram[bucket];
		if (works[i].longest > works[0].longest)
			works[0].longest = works[i].longest;
	}
	print_percentiles(&works[0]);
	return 0;
}
