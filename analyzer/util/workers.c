/* SPDX-License-Identifier: MIT */
/* workers.c - see workers.h. Items are handed out in small groups from one counter. */
#include "util/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "util/pool.h"

#define GROUP 16

struct shared {
	void (*work)(void *context, int worker, size_t item);
	void *context;
	size_t count;
	size_t next; /* atomic */
};

struct worker {
	struct shared *shared;
	pthread_t thread;
	int number;
};

static void *worker_main(void *argument)
{
	struct worker *w = argument;
	struct shared *s = w->shared;

	for (;;) {
		/*
		 * Relaxed: a counter of work and nothing else; results become visible by
		 * pthread_join.
		 */
		size_t item = __atomic_fetch_add(&s->next, GROUP, __ATOMIC_RELAXED);
		size_t end = item + GROUP < s->count ? item + GROUP : s->count;

		if (item >= s->count)
			return NULL;
		for (; item < end; item++)
			s->work(s->context, w->number, item);
	}
}

void workers_run(int jobs, size_t count, void (*work)(void *context, int worker, size_t item),
		 void *context)
{
	struct shared shared = { work, context, count, 0 };
	struct worker *workers;
	int i, started = 0;

	if (jobs < 1 || count <= GROUP)
		jobs = 1;
	workers = xcalloc((size_t)jobs, sizeof(*workers));
	for (i = 0; i < jobs; i++)
		workers[i] = (struct worker){ .shared = &shared, .number = i };
	while (started + 1 < jobs && pthread_create(&workers[started + 1].thread, NULL, worker_main,
						    &workers[started + 1]) == 0)
		started++;
	worker_main(&workers[0]);
	for (i = 1; i <= started; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
}

int workers_processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return 1;
	return CPU_COUNT(&set) > 0 ? CPU_COUNT(&set) : 1;
}
