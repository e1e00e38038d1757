/* SPDX-License-Identifier: MIT */
/*
 * followed.c - see followed.h. Open addressing, linear probing, deletion by shifting back; changes
 * are rare (one in as many allocations as the sample leaves out) and happen under a lock. A reader
 * that found nothing looks again when a change went on meanwhile. Tables that were outgrown stay
 * mapped, for somebody may still read them: together they are smaller than the one in use.
 */
#include "followed.h"

#include <errno.h>
#include <stddef.h>

#include "arena.h"
#include "lock.h"
#include "sys.h"

#define FIRST_SLOTS 1024u

struct table {
	uint32_t shift; /* 64 - log2(slots) */
	uint32_t mask;  /* slots - 1 */
	uintptr_t slots[];
};

struct followed {
	struct lock lock;
	uint32_t version; /* odd while a change is going on */
	uint32_t count;
	struct table *table;
};

static struct followed *followed; /* in forgotten memory */

static uint32_t home(const struct table *t, uintptr_t addr)
{
	return (uint32_t)(((uint64_t)addr >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> t->shift);
}

static struct table *new_table(uint32_t slots)
{
	struct table *t = arena_map(offsetof(struct table, slots) + slots * sizeof(t->slots[0]));

	if (t) {
		t->shift = 64 - (uint32_t)__builtin_ctz(slots);
		t->mask = slots - 1;
	}
	return t;
}

int followed_start(void)
{
	if (!followed)
		followed = arena_forgotten(sizeof(*followed));
	if (!followed)
		return -ENOMEM;
	followed->table = new_table(FIRST_SLOTS);
	return followed->table ? 0 : -ENOMEM;
}

/* The slot of ADDR, or the empty one where it would go. */
static uint32_t slot_of(const struct table *t, uintptr_t addr)
{
	uint32_t i = home(t, addr), steps;
	uintptr_t found;

	/* bounded: a reader may see a table in the middle of a change */
	for (steps = 0; steps <= t->mask; steps++, i = (i + 1) & t->mask) {
		found = __atomic_load_n(&t->slots[i], __ATOMIC_RELAXED);
		if (found == addr || !found)
			break;
	}
	return i;
}

static void begin_change_locked(void)
{
	__atomic_store_n(&followed->version, followed->version + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE); /* pairs with the fence in is_followed */
}

static void end_change_locked(void)
{
	/* release: pairs with the acquire in is_followed */
	__atomic_store_n(&followed->version, followed->version + 1, __ATOMIC_RELEASE);
}

static int grow_locked(void)
{
	struct table *old = followed->table, *fresh = new_table((old->mask + 1) * 2);
	uint32_t i;

	if (!fresh)
		return -ENOMEM;
	for (i = 0; i <= old->mask; i++)
		if (old->slots[i])
			fresh->slots[slot_of(fresh, old->slots[i])] = old->slots[i];
	/* release: the table is whole; pairs with the load in is_followed */
	__atomic_store_n(&followed->table, fresh, __ATOMIC_RELEASE);
	return 0;
}

int followed_add(uintptr_t addr)
{
	struct table *t;
	int rc = 0;
	uint32_t i;

	lock_get(&followed->lock);
	if (followed->count >= followed->table->mask / 2 && grow_locked() &&
	    followed->count >= followed->table->mask)
		rc = -ENOMEM;
	t = followed->table;
	if (rc == 0) {
		i = slot_of(t, addr);
		followed->count += t->slots[i] != addr;
		__atomic_store_n(&t->slots[i], addr, __ATOMIC_RELEASE);
	}
	lock_put(&followed->lock);
	return rc;
}

/* Empties slot I and moves up what stands behind it and would no longer be found. */
static void erase_locked(struct table *t, uint32_t i)
{
	uint32_t next = i;

	for (;;) {
		uintptr_t moved;

		next = (next + 1) & t->mask;
		moved = t->slots[next];
		if (!moved)
			break;
		if (((next - home(t, moved)) & t->mask) < ((next - i) & t->mask))
			continue;
		__atomic_store_n(&t->slots[i], moved, __ATOMIC_RELAXED);
		i = next;
	}
	__atomic_store_n(&t->slots[i], 0, __ATOMIC_RELAXED);
}

static int is_followed(uintptr_t addr)
{
	for (;;) {
		uint32_t version = __atomic_load_n(&followed->version, __ATOMIC_ACQUIRE);
		const struct table *t = __atomic_load_n(&followed->table, __ATOMIC_ACQUIRE);

		if (__atomic_load_n(&t->slots[slot_of(t, addr)], __ATOMIC_RELAXED) == addr)
			return 1;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (likely(!(version & 1) &&
			   version == __atomic_load_n(&followed->version, __ATOMIC_RELAXED)))
			return 0;
		cpu_relax();
	}
}

int followed_remove(uintptr_t addr)
{
	struct table *t;
	uint32_t i;

	if (likely(!is_followed(addr)))
		return 0;
	lock_get(&followed->lock);
	t = followed->table;
	i = slot_of(t, addr);
	if (t->slots[i] == addr) {
		begin_change_locked();
		erase_locked(t, i);
		followed->count--;
		end_change_locked();
	}
	lock_put(&followed->lock);
	return 1;
}
