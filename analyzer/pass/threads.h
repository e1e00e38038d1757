/* SPDX-License-Identifier: MIT */
/*
 * threads.h - what every thread allocated, freed and holds. A block belongs to the thread that
 * allocated it, also when another one frees it. Fed by the heap pass.
 */
#ifndef PASS_THREADS_H
#define PASS_THREADS_H

#include <stddef.h>
#include <stdint.h>

struct threads_row {
	size_t process; /* index in the run */
	size_t thread;  /* index in struct process.threads */
	uint64_t allocations, reallocations, allocated_bytes, temporary;
	uint64_t frees;                  /* made by this thread */
	uint64_t foreign_frees;          /* of them, blocks of other threads */
	uint64_t live_count, live_bytes; /* allocated by it, alive at the end */
	uint64_t peak_bytes;             /* most that was alive of its blocks at one time */
	uint64_t events;
	uint64_t first_ns, last_ns; /* of its events, since process start; 0 and 0 without any */
};

/*
 * Zero-initialise; threads_free at the end. Rows of threads with events, by process, then thread
 * index.
 */
struct threads {
	struct threads_row *rows;
	size_t count;
	size_t capacity; /* private */
};

void threads_free(struct threads *t);

/*
 * COUNT more rows, zeroed: those of one process, which the heap pass fills. Valid until the next
 * call.
 */
struct threads_row *threads_add(struct threads *t, size_t count);

#endif
