/* SPDX-License-Identifier: MIT */
/*
 * lifetimes.h - distribution of the time from allocation to free, overall and (on request) for
 * every allocating stack. Blocks that were still alive at the end are not in it. Fed by the heap
 * pass in nanoseconds.
 */
#ifndef PASS_LIFETIMES_H
#define PASS_LIFETIMES_H

#include <stddef.h>
#include <stdint.h>

#include "util/histogram.h"

#define LIFETIMES_OCTAVES 50 /* 0: below 1 ns; n: n binary digits; the last takes the rest */

struct lifetimes_site {
	uint64_t count;
	uint64_t min_ns, max_ns, sum_ns;
	uint64_t octaves[LIFETIMES_OCTAVES];
};

/* Zero-initialise; set per_stack to have sites too. lifetimes_free at the end. */
struct lifetimes {
	struct histogram all; /* ns */
	int per_stack;
	struct lifetimes_site **sites; /* by stack of the run; NULL: nothing ended there */
	size_t site_count;
	/* Blocks of which no more is known than that none lived longer than longest_ns. */
	struct {
		uint64_t count, longest_ns;
	} folded;
};

void lifetimes_free(struct lifetimes *l);
/* Slow half of lifetimes_add. */
void lifetimes_add_site(struct lifetimes *l, uint32_t stack, uint64_t ns, uint64_t times);
/* COUNT blocks ended, none more than LONGEST_NS after it began. */
void lifetimes_add_folded(struct lifetimes *l, uint64_t count, uint64_t longest_ns);

/* TIMES blocks of STACK (of the run) ended NS after they began. */
static inline void lifetimes_add(struct lifetimes *l, uint32_t stack, uint64_t ns, uint64_t times)
{
	if (__builtin_expect(times == 1, 1))
		histogram_add(&l->all, ns);
	else
		histogram_add_many(&l->all, ns, times);
	if (l->per_stack && times)
		lifetimes_add_site(l, stack, ns, times);
}

#endif
