/* SPDX-License-Identifier: MIT */
/* timebase.c - see timebase.h. 128-bit products, so that no pair of readings can overflow. */
#include "model/timebase.h"

void timebase_add(struct timebase *t, uint64_t ticks, uint64_t mono_ns)
{
	if (!t->pairs || ticks < t->first_ticks) {
		t->first_ticks = ticks;
		t->first_mono_ns = mono_ns;
	}
	if (!t->pairs || ticks > t->last_ticks) {
		t->last_ticks = ticks;
		t->last_mono_ns = mono_ns;
	}
	t->pairs = t->first_ticks < t->last_ticks ? 2 : 1;
}

/* 1 when the pairs make a line that rises. */
static int has_line(const struct timebase *t)
{
	return !t->is_ns && t->pairs == 2 && t->last_mono_ns > t->first_mono_ns;
}

static uint64_t scale(uint64_t value, uint64_t numerator, uint64_t denominator)
{
	unsigned __int128 scaled = (unsigned __int128)value * numerator / denominator;

	return scaled > UINT64_MAX ? UINT64_MAX : (uint64_t)scaled;
}

uint64_t timebase_span_ns(const struct timebase *t, uint64_t span)
{
	if (!has_line(t))
		return span;
	return scale(span, t->last_mono_ns - t->first_mono_ns, t->last_ticks - t->first_ticks);
}

static uint64_t add_saturated(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

uint64_t timebase_mono_ns(const struct timebase *t, uint64_t ticks)
{
	uint64_t before;

	if (t->is_ns || !t->pairs)
		return ticks;
	if (ticks >= t->first_ticks)
		return add_saturated(t->first_mono_ns, timebase_span_ns(t, ticks - t->first_ticks));
	before = timebase_span_ns(t, t->first_ticks - ticks);
	return before > t->first_mono_ns ? 0 : t->first_mono_ns - before;
}

uint64_t timebase_ns(const struct timebase *t, uint64_t ticks)
{
	return ticks <= t->start_ticks ? 0 : timebase_span_ns(t, ticks - t->start_ticks);
}

uint64_t timebase_ticks(const struct timebase *t, uint64_t ns)
{
	if (has_line(t))
		ns = scale(ns, t->last_ticks - t->first_ticks, t->last_mono_ns - t->first_mono_ns);
	return add_saturated(t->start_ticks, ns);
}
