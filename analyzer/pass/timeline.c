/* SPDX-License-Identifier: MIT */
/* timeline.c - see timeline.h. */
#include "pass/timeline.h"

#include <stdlib.h>

#include "util/pool.h"

void timeline_init(struct timeline *t, size_t count, uint64_t begin_mono_ns, uint64_t end_mono_ns)
{
	uint64_t span = end_mono_ns > begin_mono_ns ? end_mono_ns - begin_mono_ns : 0;

	*t = (struct timeline){ .count = count ? count : 1, .begin_mono_ns = begin_mono_ns };
	t->buckets = xcalloc(t->count, sizeof(*t->buckets));
	t->bucket_ns = span / t->count + 1;
}

void timeline_free(struct timeline *t)
{
	free(t->buckets);
	*t = (struct timeline){ 0 };
}

/* First tick at or behind the right edge of bucket AT; the last bucket has none. */
static uint64_t edge_ticks(const struct timeline_hand *hand, size_t at)
{
	const struct timeline *t = hand->timeline;
	uint64_t edge = t->begin_mono_ns + (at + 1) * t->bucket_ns;
	uint64_t start = timebase_mono_ns(hand->clock, hand->clock->start_ticks);

	if (at + 1 >= t->count || edge < t->begin_mono_ns)
		return UINT64_MAX;
	return edge <= start ? hand->clock->start_ticks : timebase_ticks(hand->clock, edge - start);
}

void timeline_start(struct timeline_hand *hand, struct timeline *t, const struct timebase *clock)
{
	*hand = (struct timeline_hand){ .timeline = t, .clock = clock, .next_ticks = UINT64_MAX };
	if (t)
		hand->next_ticks = edge_ticks(hand, 0);
}

struct timeline_bucket *timeline_at(const struct timeline_hand *hand)
{
	return &hand->timeline->buckets[hand->at];
}

void timeline_advance(struct timeline_hand *hand)
{
	hand->at++;
	hand->next_ticks = edge_ticks(hand, hand->at);
}
