/* SPDX-License-Identifier: MIT */
/*
 * replay.h - all events of one trace in the order of all threads: (ticks, thread index, position in
 * the thread).
 *
 * Workers decode blocks ahead; the caller's thread merges them and calls back. The order and
 * everything that reaches the callback are the same at any number of jobs. Memory: one decoded
 * block per thread that is in the middle of one, and a few ahead per worker.
 */
#ifndef TRACE_REPLAY_H
#define TRACE_REPLAY_H

#include "trace/event.h"
#include "trace/source.h"

struct replay_options {
	int jobs;          /* threads, the caller's included; below 1 counts as 1 */
	uint64_t to_ticks; /* no event with ticks >= this is delivered; UINT64_MAX: all */
	/* Next run of events. Valid only within the call. Context: the caller's thread. */
	void (*batch)(void *context, const struct event_batch *batch);
	/*
	 * Folded blocks: before the first event of their block and anything else at that time, and
	 * again when as many of its events as lie before the crest were handed out. May be NULL.
	 */
	void (*folded)(void *context, const struct event_folded *folded);
	void *context;
	/* Now and then, and once at the end: done of total blocks. May be NULL. */
	void (*progress)(void *context, uint64_t done, uint64_t total);
	void *progress_context;
};

/*
 * Thread indices that have blocks in S, ascending: slot i is the thread (*THREADS)[i]. Returns
 * their number; free(*THREADS).
 */
size_t replay_threads(const struct source *s, uint32_t **threads);

/*
 * Replays S. Damaged blocks are passed over and counted in Q (events, blocks, blocks_damaged,
 * blocks_missing, events_lost, events_unread, spool_*, unknown_records, first_damage are filled
 * here, on top of what source_open found: start with *q = source->quality).
 */
void replay_run(const struct source *s, const struct replay_options *options, struct quality *q);

#endif
