/* SPDX-License-Identifier: MIT */
/*
 * skipped.c - see skipped.h. Maps of three levels over the 48 bits of a user address, the last of
 * them 2^18 bits wide. Two blocks must never share a bit: 8 bytes apart are the smallest blocks of
 * jemalloc and tcmalloc; for what else a program may call a block (shim_alloc) there is a map of
 * its own with a bit for each byte.
 */
#include "skipped.h"

#include <errno.h>

#include "arena.h"
#include "sys.h"

#define LEAF_BITS 18
#define MID_BITS  12
#define ADDR_BITS 48
#define MAPS      2

static const uint8_t grain_bits[MAPS] = { 3, 0 };

struct leaf {
	uint64_t words[1u << (LEAF_BITS - 6)];
};

struct mid {
	struct leaf *leaves[1u << MID_BITS];
};

struct skipped {
	struct mid **top[MAPS]; /* in memory that a forked child does not have */
};

static struct skipped *skipped; /* in forgotten memory */

static size_t top_count(int map)
{
	return (size_t)1 << (ADDR_BITS - MID_BITS - LEAF_BITS - grain_bits[map]);
}

int skipped_start(void)
{
	int i;

	if (!skipped)
		skipped = arena_forgotten(sizeof(*skipped));
	for (i = 0; skipped && i < MAPS; i++)
		if (!skipped->top[i])
			skipped->top[i] = arena_map(sizeof(struct mid *) * top_count(i));
	return skipped && skipped->top[0] && skipped->top[1] ? 0 : -ENOMEM;
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

/* The word with the bit of ADDR, or NULL; with CAN_MAKE, that is for want of memory only. */
static uint64_t *word_of(uintptr_t addr, int can_make, uint64_t *bit)
{
	int map = (addr & 7) != 0;
	uint64_t i = (uint64_t)addr >> grain_bits[map];
	struct mid *mid;
	struct leaf *leaf;

	*bit = UINT64_C(1) << (i & 63);
	mid = level((void **)&skipped->top[map][i >> (LEAF_BITS + MID_BITS) & (top_count(map) - 1)],
		    sizeof(*mid), can_make);
	if (!mid)
		return NULL;
	leaf = level((void **)&mid->leaves[i >> LEAF_BITS & ((1u << MID_BITS) - 1)], sizeof(*leaf),
		     can_make);
	return leaf ? &leaf->words[i >> 6 & ((1u << (LEAF_BITS - 6)) - 1)] : NULL;
}

int skipped_add(uintptr_t addr)
{
	uint64_t bit, *word = word_of(addr, 1, &bit);

	if (!word)
		return -ENOMEM;
	__atomic_fetch_or(word, bit, __ATOMIC_RELAXED);
	return 0;
}

int skipped_remove(uintptr_t addr)
{
	uint64_t bit, *word = word_of(addr, 0, &bit);

	/* The program orders its own uses of one block; the other bits of the word are others' blocks. */
	if (!word || !(__atomic_load_n(word, __ATOMIC_RELAXED) & bit))
		return 0;
	__atomic_fetch_and(word, ~bit, __ATOMIC_RELAXED);
	return 1;
}
