/* SPDX-License-Identifier: MIT */
/*
 * timeline.h - live bytes and allocation rate over the run's time, in equal buckets. Several
 * processes lie on one axis by CLOCK_MONOTONIC, and their figures add up bucket by bucket. Fed by
 * the heap pass and the mapped pass.
 */
#ifndef PASS_TIMELINE_H
#define PASS_TIMELINE_H

#include <stddef.h>
#include <stdint.h>

#include "model/timebase.h"

struct timeline_bucket {
	uint64_t live_bytes, live_count; /* at the end of the bucket */
	/* largest live sum within it; of several processes: sum of each one's largest */
	uint64_t most_bytes;
	uint64_t allocations, allocated_bytes, frees;
	/* at the end of the bucket; 0 when the mapped pass did not run */
	uint64_t mapped_bytes;
};

struct timeline {
	struct timeline_bucket *buckets;
	size_t count;
	uint64_t begin_mono_ns; /* CLOCK_MONOTONIC at the left edge */
	uint64_t bucket_ns;     /* width, at least 1 */
};

/* COUNT buckets (at least 1) over BEGIN … END in CLOCK_MONOTONIC ns. */
void timeline_init(struct timeline *t, size_t count, uint64_t begin_mono_ns, uint64_t end_mono_ns);
void timeline_free(struct timeline *t);
/* Left edge of bucket I, ns since the left edge of the timeline. */
static inline uint64_t timeline_ns(const struct timeline *t, size_t i)
{
	return i * t->bucket_ns;
}

/* ---- for the passes that feed it ---- */

/* Where one pass of one process is; zero-initialised, of a timeline that may be NULL. */
struct timeline_hand {
	struct timeline *timeline;
	const struct timebase *clock;
	size_t at;
	/* from here on the next bucket; UINT64_MAX in the last bucket or without a timeline */
	uint64_t next_ticks;
};

void timeline_start(struct timeline_hand *hand, struct timeline *t, const struct timebase *clock);
/* The bucket that the hand is in. */
struct timeline_bucket *timeline_at(const struct timeline_hand *hand);
/*
 * Moves to the next bucket; call while ticks >= hand->next_ticks, after closing the one it was in.
 */
void timeline_advance(struct timeline_hand *hand);

#endif
