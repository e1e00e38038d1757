/* SPDX-License-Identifier: MIT */
/*
 * followed.h - the live blocks that are in the sample, so that their ends, and no others, are
 * recorded.
 *
 * A set of addresses. Looking one up takes no lock; it is asked at every free.
 */
#ifndef PRELOAD_FOLLOWED_H
#define PRELOAD_FOLLOWED_H

#include <stddef.h>
#include <stdint.h>

struct followed_table {
	uint32_t shift; /* 64 - log2(slots) */
	uint32_t mask;  /* slots - 1 */
	uintptr_t slots[];
};

/* What the look below needs; the rest of the set lies behind it. In forgotten memory. */
struct followed_head {
	struct followed_table *table;
};

extern struct followed_head *followed_head;

static inline uint32_t followed_home(const struct followed_table *t, uintptr_t addr)
{
	return (uint32_t)(((uint64_t)addr >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> t->shift);
}

/*
 * 0 if ADDR is not followed; 1 if it may be. As long as it is, the slot where it belongs is never
 * empty, whatever else changes; so for most blocks one look will do. Caller and context as
 * followed_remove.
 */
static inline int followed_may_have(uintptr_t addr)
{
	const struct followed_table *t = __atomic_load_n(&followed_head->table, __ATOMIC_ACQUIRE);

	return __atomic_load_n(&t->slots[followed_home(t, addr)], __ATOMIC_RELAXED) != 0;
}

/* An empty set for this process. 0 or -ENOMEM. Context: start-up only. */
int followed_start(void);

/* ADDR (not 0) is followed from now on. 0, or -ENOMEM: then it is not. Context: any thread, inside the guard. */
int followed_add(uintptr_t addr);

/*
 * 1 if ADDR was followed, which it is no longer. The caller alone may name it, as it is about to
 * free it. Context: any thread, inside the guard.
 */
int followed_remove(uintptr_t addr);

#endif
