/* SPDX-License-Identifier: MIT */
/*
 * A hundred threads that allocate, reallocate and free, some of the frees in another thread.
 * Everything is freed. The exact totals go to the file that STRESS_TOTALS names.
 * A perfect report says:
 * truth: leak stress 0 0
 * truth: leak take 0 0
 */
/* build: -O2 -pthread -fno-optimize-sibling-calls */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 100
#define STEPS   5000
#define SLOTS   64

/* Mailboxes through which a block goes to whichever thread comes next. */
static _Atomic(void *) mailbox[256];

struct totals {
	uint64_t mallocs, callocs, aligned, reallocs, frees;
	uint64_t malloc_bytes, calloc_bytes, aligned_bytes, realloc_bytes;
	unsigned seed;
};

static unsigned next_random(struct totals *t)
{
	t->seed = t->seed * 1664525u + 1013904223u;
	return t->seed >> 8;
}

__attribute__((noinline)) static void *take(struct totals *t)
{
	size_t size = 1 + next_random(t) % 900;
	void *p = NULL;

	switch (next_random(t) % 8) {
	case 0:
		t->callocs++;
		t->calloc_bytes += size;
		return calloc(1, size);
	case 1:
		t->aligned++;
		t->aligned_bytes += size;
		return posix_memalign(&p, 64, size) ? NULL : p;
	default:
		t->mallocs++;
		t->malloc_bytes += size;
		return malloc(size);
	}
}

__attribute__((noinline)) static void *stress(void *arg)
{
	struct totals *t = arg;
	void *slot[SLOTS] = { 0 };
	int i;

	for (i = 0; i < STEPS; i++) {
		unsigned n = next_random(t) % SLOTS;

		if (!slot[n]) {
			slot[n] = take(t);
			continue;
		}
		switch (next_random(t) % 6) {
		case 0: {
			size_t size = 1 + next_random(t) % 2000;

			slot[n] = realloc(slot[n], size);
			t->reallocs++;
			t->realloc_bytes += size;
			memset(slot[n], 7, size);
			break;
		}
		case 1:
		case 2: /* give it away, free what was there: a cross-thread free */
			slot[n] = atomic_exchange(&mailbox[next_random(t) % 256], slot[n]);
			if (!slot[n])
				break;
			/* fall through */
		default:
			free(slot[n]);
			slot[n] = NULL;
		}
	}
	for (i = 0; i < SLOTS; i++)
		free(slot[i]);
	return NULL;
}

int main(void)
{
	static struct totals totals[THREADS];
	struct totals sum = { 0 };
	pthread_t threads[THREADS];
	int i;

	for (i = 0; i < THREADS; i++) {
		totals[i].seed = 12345u + (unsigned)i;
		if (pthread_create(&threads[i], NULL, stress, &totals[i]))
			return 1;
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		sum.mallocs += totals[i].mallocs;
		sum.callocs += totals[i].callocs;
		sum.aligned += totals[i].aligned;
		sum.reallocs += totals[i].reallocs;
		sum.malloc_bytes += totals[i].malloc_bytes;
		sum.calloc_bytes += totals[i].calloc_bytes;
		sum.aligned_bytes += totals[i].aligned_bytes;
		sum.realloc_bytes += totals[i].realloc_bytes;
	}
	for (i = 0; i < 256; i++)
		free(mailbox[i]);
	/* One line, nothing in it depends on the schedule... */
	printf("threads %d\n", THREADS);
	/* ...the totals do (who finds a mailbox empty), so they go to a file if one is named. */
	if (getenv("STRESS_TOTALS")) {
		FILE *f = fopen(getenv("STRESS_TOTALS"), "w");

		if (!f)
			return 1;
		fprintf(f,
			"malloc %lu %lu\ncalloc %lu %lu\nposix_memalign %lu %lu\nrealloc %lu %lu\n",
			sum.mallocs, sum.malloc_bytes, sum.callocs, sum.calloc_bytes, sum.aligned,
			sum.aligned_bytes, sum.reallocs, sum.realloc_bytes);
		fclose(f);
	}
	return 0;
}
