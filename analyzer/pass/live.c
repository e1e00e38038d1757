/* SPDX-License-Identifier: MIT */
/*
 * live.c - see live.h. Slots come straight from the kernel: zeroed without being touched, and in
 * huge pages where there are any, which is worth more here than anywhere else.
 */
#include "pass/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LIVE_FIRST_BITS 12

static struct live_block *map_slots(size_t slots)
{
	size_t bytes = slots * sizeof(struct live_block);
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		/* As util/pool.h: without memory there is no report to save. */
		fprintf(stderr, "shim-analyze: out of memory (%zu bytes wanted)\n", bytes);
		exit(1);
	}
	madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

static void unmap_slots(struct live_block *blocks, size_t slots)
{
	if (blocks)
		munmap(blocks, slots * sizeof(*blocks));
}

void live_free(struct live *l)
{
	unmap_slots(l->blocks, l->mask + 1);
	*l = (struct live){ 0 };
}

void live_grow(struct live *l)
{
	struct live_block *old = l->blocks;
	size_t old_slots = old ? l->mask + 1 : 0, i, j;
	unsigned bits = old ? 64 - l->shift + 1 : LIVE_FIRST_BITS;

	l->blocks = map_slots((size_t)1 << bits);
	l->mask = ((size_t)1 << bits) - 1;
	l->shift = 64 - bits;
	for (i = 0; i < old_slots; i++) {
		if (!old[i].key)
			continue;
		for (j = live_home(l, old[i].key); l->blocks[j].key; j = (j + 1) & l->mask)
			;
		l->blocks[j] = old[i];
	}
	unmap_slots(old, old_slots);
}

void live_erase(struct live *l, struct live_block *b)
{
	size_t hole = (size_t)(b - l->blocks), i;

	/* Shift followers back over the hole as long as their home does not lie behind it. */
	for (i = (hole + 1) & l->mask; l->blocks[i].key; i = (i + 1) & l->mask) {
		size_t home = live_home(l, l->blocks[i].key);

		if (((i - home) & l->mask) >= ((i - hole) & l->mask)) {
			l->blocks[hole] = l->blocks[i];
			hole = i;
		}
	}
	l->blocks[hole].key = 0;
	l->count--;
}
