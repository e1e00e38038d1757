/* SPDX-License-Identifier: MIT */
/* build: -O2 -fno-builtin -fno-optimize-sibling-calls -pthread */
/*
 * What a sample must tell right: four threads that do the same, blocks from 1 byte to 1 MB, most of
 * them short-lived, some freed by another thread, reallocs that grow, shrink and fail, and leaks at
 * several sites. Each run makes the same calls. With the argument `clean` everything is freed.
 *
 * truth: leak leak_tiny 8000 192000
 * truth: leak leak_medium 800 960000
 * truth: leak leak_grown 160 800000
 * truth: leak leak_kept 480 432000
 * truth: leak leak_cut 800 320000
 * truth: leak leak_aligned 400 400000
 * truth: leak leak_early 600 300000
 * truth: leak leak_large 12 6000000
 * truth: allocs leak_tiny 8000 192000
 * truth: allocs leak_kept 480 432000
 * truth: allocs leak_cut 1600 3600000
 * truth: allocs churn 28000 40448719
 * truth: leak churn 0 0
 * truth: leak hand_over 0 0
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4
#define CHURN   7000
#define WINDOW  64
#define HANDED  500
#define LEFT    4096

struct worker {
	pthread_t thread;
	uint32_t random;
	void *handed[HANDED];
	void *left[LEFT];
	int left_count;
};

static struct worker workers[THREADS];
static size_t volatile too_much = SIZE_MAX / 4;

static uint32_t next_random(struct worker *w)
{
	w->random = w->random * 1664525u + 1013904223u;
	return w->random >> 8;
}

static void leave(struct worker *w, void *p)
{
	if (!p || w->left_count == LEFT)
		abort();
	w->left[w->left_count++] = p;
}

static __attribute__((noinline)) void leak_early(struct worker *w)
{
	int i;

	for (i = 0; i < 600; i++)
		leave(w, malloc(500));
}

static __attribute__((noinline)) void leak_tiny(struct worker *w)
{
	int i;

	for (i = 0; i < 2000; i++)
		leave(w, malloc(24));
}

static __attribute__((noinline)) void leak_medium(struct worker *w)
{
	int i;

	for (i = 0; i < 200; i++)
		leave(w, calloc(i % 2 ? 2 : 1, i % 2 ? 1000 : 400));
}

/* 16, 32, ... 4096, and then 5000. */
static __attribute__((noinline)) void leak_grown(struct worker *w)
{
	int i;

	for (i = 0; i < 40; i++) {
		void *p = NULL;
		size_t size;

		for (size = 16; size <= 4096; size *= 2)
			p = realloc(p, size);
		leave(w, realloc(p, 5000));
	}
}

/* A realloc that fails changes nothing. */
static __attribute__((noinline)) void leak_kept(struct worker *w)
{
	int i;

	for (i = 0; i < 120; i++) {
		void *p = malloc(900);

		if (realloc(p, too_much))
			abort();
		leave(w, p);
	}
}

static __attribute__((noinline)) void leak_cut(struct worker *w)
{
	int i;

	for (i = 0; i < 200; i++)
		leave(w, realloc(malloc(4100), 400));
}

static __attribute__((noinline)) void leak_aligned(struct worker *w)
{
	int i;

	for (i = 0; i < 100; i++) {
		void *p = NULL;

		if (posix_memalign(&p, 64, 1000))
			abort();
		leave(w, p);
	}
}

static __attribute__((noinline)) void leak_large(struct worker *w)
{
	leave(w, malloc(100000));
	leave(w, malloc(400000));
	leave(w, malloc(1000000));
}

static size_t a_size(struct worker *w)
{
	uint32_t random = next_random(w);

	if (random % 1024 == 0)
		return 1000000;
	if (random % 64 == 0)
		return 1 + next_random(w) % 30000;
	if (random % 8 == 0)
		return 1 + next_random(w) % 2000;
	return 1 + next_random(w) % 100;
}

static __attribute__((noinline)) void churn(struct worker *w)
{
	void *window[WINDOW] = { NULL };
	int i;

	for (i = 0; i < CHURN; i++) {
		void **slot = &window[next_random(w) % WINDOW];

		if (next_random(w) % 4) {
			free(*slot);
			*slot = malloc(a_size(w));
		} else {
			*slot = realloc(*slot, a_size(w));
		}
	}
	for (i = 0; i < WINDOW; i++)
		free(window[i]);
}

static __attribute__((noinline)) void hand_over(struct worker *w)
{
	int i;

	for (i = 0; i < HANDED; i++)
		w->handed[i] = malloc(1 + (size_t)i * 8);
}

static void *work(void *argument)
{
	struct worker *w = argument;

	leak_tiny(w);
	churn(w);
	leak_medium(w);
	leak_grown(w);
	leak_kept(w);
	hand_over(w);
	leak_cut(w);
	leak_aligned(w);
	leak_large(w);
	return NULL;
}

int main(int argc, char **argv)
{
	int is_clean = argc > 1 && strcmp(argv[1], "clean") == 0, i, j;

	leak_early(&workers[0]);
	for (i = 0; i < THREADS; i++) {
		workers[i].random = 12345u * (uint32_t)(i + 1);
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return 1;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		for (j = 0; j < HANDED; j++)
			free(workers[i].handed[j]);
	}
	for (i = 0; is_clean && i < THREADS; i++)
		for (j = 0; j < workers[i].left_count; j++)
			free(workers[i].left[j]);
	return 0;
}
