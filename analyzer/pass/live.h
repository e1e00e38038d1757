/* SPDX-License-Identifier: MIT */
/*
 * live.h - the table of live blocks by address: the hottest structure of the tool. Open addressing with linear probing
 * and backward-shift deletion, as util/map.h, with the block's facts in the slot itself and a prefetch for the slot that
 * a coming event will touch.
 */
#ifndef PASS_LIVE_H
#define PASS_LIVE_H

#include <stddef.h>
#include <stdint.h>

#define LIVE_UNCOUNTED 0x01u /* filtered out: followed, but in no sum */
#define LIVE_IGNORED   0x02u /* under shim_ignore_begin */
#define LIVE_REUSED    0x04u /* its address was live by another thread: a late free may follow */

struct live_block {
	uint64_t key;        /* private; 0: the slot is empty */
	uint64_t size : 48;
	uint64_t func : 8;   /* enum shim_func */
	uint64_t flags : 8;  /* LIVE_* */
	uint64_t ticks;      /* of its allocation */
	uint32_t stack;      /* as in the trace, or 0 */
	uint32_t slot;       /* thread that allocated it (struct event_batch) */
};

/* Zero-initialise. */
struct live {
	struct live_block *blocks;
	size_t mask;    /* slots - 1; 0 before the first insert */
	unsigned shift; /* 64 - log2(slots) */
	size_t count;
};

void live_free(struct live *l);
/* Makes room for one more block. */
void live_grow(struct live *l);
/* Removes the block in slot B. */
void live_erase(struct live *l, struct live_block *b);

/* Addresses have bit 63 clear, so the complement is never 0. */
static inline uint64_t live_key(uint64_t addr)
{
	return ~addr;
}

static inline uint64_t live_addr(const struct live_block *b)
{
	return ~b->key;
}

/* Fibonacci hashing: the high bits of a product with 2^64 / golden ratio. */
static inline size_t live_home(const struct live *l, uint64_t key)
{
	return (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> l->shift);
}

/* Has the slot of ADDR fetched into the cache. */
static inline void live_prefetch(const struct live *l, uint64_t addr)
{
	if (l->blocks)
		__builtin_prefetch(&l->blocks[live_home(l, live_key(addr))], 1);
}

/* The stack of whatever block is in the slot of ADDR: likely its own. For prefetching. */
static inline uint32_t live_home_stack(const struct live *l, uint64_t addr)
{
	return l->blocks ? l->blocks[live_home(l, live_key(addr))].stack : 0;
}

/* The block at ADDR, or NULL. Valid until the next live_put or live_erase. */
static inline struct live_block *live_find(const struct live *l, uint64_t addr)
{
	uint64_t key = live_key(addr);
	size_t i;

	if (!l->blocks)
		return NULL;
	for (i = live_home(l, key); l->blocks[i].key; i = (i + 1) & l->mask)
		if (l->blocks[i].key == key)
			return &l->blocks[i];
	return NULL;
}

/* The slot for ADDR; *IS_NEW tells whether it was empty (then only its key is set). */
static inline struct live_block *live_put(struct live *l, uint64_t addr, int *is_new)
{
	uint64_t key = live_key(addr);
	size_t i;

	if (__builtin_expect(l->count * 8 >= l->mask * 5, 0))
		live_grow(l);
	for (i = live_home(l, key); l->blocks[i].key; i = (i + 1) & l->mask) {
		if (l->blocks[i].key == key) {
			*is_new = 0;
			return &l->blocks[i];
		}
	}
	l->blocks[i].key = key;
	l->count++;
	*is_new = 1;
	return &l->blocks[i];
}

#endif
