/* SPDX-License-Identifier: MIT */
/*
 * timebase.h - ticks of a trace to nanoseconds: the line through the first and the last known pair
 * (docs/trace-format.md, section 2). Pure arithmetic, monotonic, no overflow for any input.
 */
#ifndef MODEL_TIMEBASE_H
#define MODEL_TIMEBASE_H

#include <stdint.h>

struct timebase {
	uint64_t first_ticks, first_mono_ns;
	uint64_t last_ticks, last_mono_ns;
	uint64_t start_ticks; /* of the process: time 0 of reports */
	int pairs;            /* how many pairs were given, at most 2 */
	int is_ns;            /* a tick is a nanosecond */
};

/* Takes a pair of readings; order does not matter. */
void timebase_add(struct timebase *c, uint64_t ticks, uint64_t mono_ns);
/* CLOCK_MONOTONIC at TICKS. Without two different pairs a tick counts as a nanosecond. */
uint64_t timebase_mono_ns(const struct timebase *c, uint64_t ticks);
/* Nanoseconds from the start of the process to TICKS; 0 for earlier ones. */
uint64_t timebase_ns(const struct timebase *c, uint64_t ticks);
/* Nanoseconds that SPAN ticks take. */
uint64_t timebase_span_ns(const struct timebase *c, uint64_t span);
/* Ticks at NS nanoseconds after the start, saturating. */
uint64_t timebase_ticks(const struct timebase *c, uint64_t ns);

#endif
