/* SPDX-License-Identifier: MIT */
/* ranks.c - see ranks.h. Bits, and their sums by 4096: a rank far down costs some hundred steps. */
#include "trace/ranks.h"

#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

#define GROUP_WORDS 64

void ranks_begin(struct ranks *r, size_t limit)
{
	size_t words = limit / 64 + 1, groups = words / GROUP_WORDS + 1;

	r->words = pool_grow(r->words, &r->words_capacity, words, sizeof(*r->words));
	r->groups = pool_grow(r->groups, &r->groups_capacity, groups, sizeof(*r->groups));
	memset(r->words, 0, words * sizeof(*r->words));
	memset(r->groups, 0, groups * sizeof(*r->groups));
	r->end = r->count = 0;
}

void ranks_free(struct ranks *r)
{
	free(r->words);
	free(r->groups);
	*r = (struct ranks){ 0 };
}

size_t ranks_take(struct ranks *r, size_t rank)
{
	size_t word, members;
	uint64_t bits;

	for (word = (r->end - 1) / 64;; word--) {
		while (word % GROUP_WORDS == GROUP_WORDS - 1 &&
		       r->groups[word / GROUP_WORDS] <= rank) {
			rank -= r->groups[word / GROUP_WORDS];
			word -= GROUP_WORDS;
		}
		members = (size_t)__builtin_popcountll(r->words[word]);
		if (rank < members)
			break;
		rank -= members;
	}
	for (bits = r->words[word]; rank; rank--)
		bits &= ~(UINT64_C(1) << (63 - __builtin_clzll(bits)));
	members = (size_t)(63 - __builtin_clzll(bits));
	r->words[word] &= ~(UINT64_C(1) << members);
	r->groups[word / GROUP_WORDS]--;
	r->count--;
	return word * 64 + members;
}
