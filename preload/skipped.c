/* SPDX-License-Identifier: MIT */
/* skipped.c - see skipped.h. Three levels over the 48 bits of a user address: 2^14, 2^12, and 2^18 bits. */
#include "skipped.h"

#include <errno.h>

#include "arena.h"
#include "sys.h"

#define GRAIN_BITS 4
#define LEAF_BITS  18
#define MID_BITS   12
#define TOP_BITS   14

struct leaf {
	uint64_t words[1u << (LEAF_BITS - 6)];
};

struct mid {
	struct leaf *leaves[1u << MID_BITS];
};

struct skipped {
	struct mid **top; /* in memory that a forked child does not have */
};

static struct skipped *skipped; /* in forgotten memory */

int skipped_start(void)
{
	if (!skipped)
		skipped = arena_forgotten(sizeof(*skipped));
	if (!skipped)
		return -ENOMEM;
	if (!skipped->top)
		skipped->top = arena_map(sizeof(struct mid *) << TOP_BITS);
	return skipped->top ? 0 : -ENOMEM;
}

/* What *LINK leads to; with CAN_MAKE, BYTES of zeros if it leads nowhere yet. NULL: nothing there. */
static void *level(void **link, size_t bytes, int can_make)
{
	void *found = __atomic_load_n(link, __ATOMIC_ACQUIRE), *expected = NULL, *fresh;

	if (likely(found) || !can_make)
		return found;
	fresh = arena_map(bytes);
	if (!fresh)
		return NULL;
	/* release: zeros before the link; pairs with the load above */
	if (__atomic_compare_exchange_n(link, &expected, fresh, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return fresh;
	arena_unmap(fresh, bytes);
	return expected;
}

static uint64_t *word_of(uintptr_t addr, int can_make)
{
	uint64_t i = (uint64_t)addr >> GRAIN_BITS;
	struct mid *mid;
	struct leaf *leaf;

	mid = level((void **)&skipped->top[i >> (LEAF_BITS + MID_BITS) & ((1u << TOP_BITS) - 1)],
		    sizeof(*mid), can_make);
	if (!mid)
		return NULL;
	leaf = level((void **)&mid->leaves[i >> LEAF_BITS & ((1u << MID_BITS) - 1)], sizeof(*leaf),
		     can_make);
	return leaf ? &leaf->words[i >> 6 & ((1u << (LEAF_BITS - 6)) - 1)] : NULL;
}

static uint64_t bit_of(uintptr_t addr)
{
	return UINT64_C(1) << ((uint64_t)addr >> GRAIN_BITS & 63);
}

int skipped_add(uintptr_t addr)
{
	uint64_t *word = word_of(addr, 1);

	if (!word)
		return -ENOMEM;
	__atomic_fetch_or(word, bit_of(addr), __ATOMIC_RELAXED);
	return 0;
}

int skipped_remove(uintptr_t addr)
{
	uint64_t *word = word_of(addr, 0);

	/* The program orders its own uses of one block; the other bits of the word are others' blocks. */
	if (!word || !(__atomic_load_n(word, __ATOMIC_RELAXED) & bit_of(addr)))
		return 0;
	__atomic_fetch_and(word, ~bit_of(addr), __ATOMIC_RELAXED);
	return 1;
}
