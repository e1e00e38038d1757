/* SPDX-License-Identifier: MIT */
/*
 * workers.h - the same work on many items, on several threads. Nothing about the order of items is
 * promised.
 */
#ifndef UTIL_WORKERS_H
#define UTIL_WORKERS_H

#include <stddef.h>

/*
 * Calls WORK(context, worker, item) once for each item in 0 … COUNT - 1 on at most JOBS threads,
 * the caller's among them; worker is 0 … JOBS - 1 and names the thread. Returns when all are done.
 * Where no thread can be made, fewer do it.
 */
void workers_run(int jobs, size_t count, void (*work)(void *context, int worker, size_t item),
		 void *context);

/* The number of processors that this process may use, at least 1. */
int workers_processors(void);

#endif
