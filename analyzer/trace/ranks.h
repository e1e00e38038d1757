/* SPDX-License-Identifier: MIT */
/*
 * ranks.h - a set of numbers that are added in ascending order and taken out by rank: 0 is the
 * largest of those that are left. Local blocks and free addresses are named that way (specification,
 * 2.2).
 */
#ifndef TRACE_RANKS_H
#define TRACE_RANKS_H

#include <stddef.h>
#include <stdint.h>

/* Zero-initialise, reuse after ranks_begin, ranks_free at the end. */
struct ranks {
	uint64_t *words;
	uint16_t *groups; /* members in 64 words each */
	size_t words_capacity, groups_capacity;
	size_t end;   /* the next number */
	size_t count; /* members */
};

/* Empties R, for numbers below LIMIT. */
void ranks_begin(struct ranks *r, size_t limit);
void ranks_free(struct ranks *r);

/* Adds the next number and returns it; at most LIMIT times. */
static inline size_t ranks_add(struct ranks *r)
{
	size_t number = r->end++;

	r->words[number >> 6] |= UINT64_C(1) << (number & 63);
	r->groups[number >> 12]++;
	r->count++;
	return number;
}

/* Takes out the member with RANK < R->count; returns it. */
size_t ranks_take(struct ranks *r, size_t rank);

#endif
