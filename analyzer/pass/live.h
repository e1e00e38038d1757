/* SPDX-License-Identifier: MIT */
/*
 * live.h - the table of live blocks by address: the hottest structure of the tool. Open addressing
 * with linear probing and backward-shift deletion, as util/map.h, with the block's facts in the
 * slot itself and a prefetch for the slot that a coming event will touch.
 */
#ifndef PASS_LIVE_H
#define PASS_LIVE_H

#include <stddef.h>
#include <stdint.h>

#define LIVE_UNCOUNTED    0x01u /* filtered out: followed, but in no sum */
#define LIVE_IGNORED      0x02u /* under shim_ignore_begin */
/* 0: recorded exactly; else it is of a sample, and this a number that the heap pass gives. */
#define LIVE_SAMPLE_SHIFT 2
#define LIVE_SAMPLE_MASK  0x7cu
#define LIVE_SAMPLE_HALF  0x80u /* which half of the sample it is in, by chance */

/* What is known of a block. */
struct live_facts {
	uint64_t size;
	uint64_t ticks; /* of its allocation */
	uint32_t site;  /* whose it is: a number that the heap pass gives */
	uint32_t slot;  /* thread that allocated it (struct event_batch) */
	uint8_t func;   /* enum shim_func */
	uint8_t flags;  /* LIVE_* */
};

/* A slot of the table, half a cache line: the facts of one block. */
struct live_block {
	uint64_t key;    /* 0: empty */
	uint64_t packed; /* size, 48 bits; func; flags */
	uint64_t ticks;
	uint32_t site;
	uint32_t slot;
};

static inline struct live_facts live_load(const struct live_block *b)
{
	return (struct live_facts){ .size = b->packed & ((UINT64_C(1) << 48) - 1),
				    .ticks = b->ticks,
				    .site = b->site,
				    .slot = b->slot,
				    .func = (uint8_t)(b->packed >> 48),
				    .flags = (uint8_t)(b->packed >> 56) };
}

/* Whole words: bytes written one by one would make the next read of the word wait. */
static inline void live_store(struct live_block *b, const struct live_facts *f)
{
	b->packed = f->size | (uint64_t)f->func << 48 | (uint64_t)f->flags << 56;
	b->ticks = f->ticks;
	b->site = f->site;
	b->slot = f->slot;
}

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

/*
 * Has the slot of ADDR fetched into the cache. Always inline: gcc takes a function that only
 * prefetches for one without effect and drops calls of it.
 */
static inline __attribute__((always_inline)) void live_prefetch(const struct live *l, uint64_t addr)
{
	if (l->blocks)
		__builtin_prefetch(&l->blocks[live_home(l, live_key(addr))], 1);
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
