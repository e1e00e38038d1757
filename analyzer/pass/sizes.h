/* SPDX-License-Identifier: MIT */
/*
 * sizes.h - distribution of allocation sizes, overall and (on request) for every stack. Fed by the
 * heap pass.
 */
#ifndef PASS_SIZES_H
#define PASS_SIZES_H

#include <stddef.h>
#include <stdint.h>

#include "util/histogram.h"

#define SIZES_OCTAVES 50 /* 0: size 0; n: sizes of n binary digits; the last takes the rest */

struct sizes_site {
	uint64_t count;
	uint64_t min, max, sum; /* bytes */
	uint64_t octaves[SIZES_OCTAVES];
};

/* Zero-initialise; set per_stack to have sites too. sizes_free at the end. */
struct sizes {
	struct histogram all;
	uint64_t bytes[HISTOGRAM_BUCKETS]; /* sum of sizes per bucket of `all` */
	int per_stack;
	struct sizes_site **sites; /* by stack of the run; NULL: nothing allocated there */
	size_t site_count;
};

void sizes_free(struct sizes *s);
/* Slow half of sizes_add and sizes_add_many. */
void sizes_add_site(struct sizes *s, uint32_t stack, uint64_t size, uint64_t times);
/* TIMES allocations of SIZE bytes by STACK (of the run). */
void sizes_add_many(struct sizes *s, uint32_t stack, uint64_t size, uint64_t times);

/* An allocation of SIZE bytes by STACK (of the run). */
static inline void sizes_add(struct sizes *s, uint32_t stack, uint64_t size)
{
	histogram_add(&s->all, size);
	s->bytes[histogram_bucket(size)] += size;
	if (s->per_stack)
		sizes_add_site(s, stack, size, 1);
}

#endif
