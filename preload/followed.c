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
#define SPARSE_SLOTS \
	(1u << 16) /* up to here it is kept so sparse that most looks end at the first slot */

struct followed {
	struct followed_head head;
	struct lock lock;
	uint32_t version; /* odd while a change is going on */
	uint32_t count;
};

static struct followed *followed;    /* in forgotten memory */
struct followed_head *followed_head; /* the same memory */

static struct followed_table *new_table(uint32_t slots)
{
	struct followed_table *t =
		arena_map(offsetof(struct followed_table, slots) + slots * sizeof(t->slots[0]));

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
	followed_head = &followed->head;
	followed->head.table = new_table(FIRST_SLOTS);
	return followed->head.table ? 0 : -ENOMEM;
}

/* The slot of ADDR, or the empty one where it would go. */
static uint32_t slot_of(const struct followed_table *t, uintptr_t addr)
{
	uint32_t i = followed_home(t, addr), steps;
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
	struct followed_table *old = followed->head.table, *fresh = new_table((old->mask + 1) * 2);
	uint32_t i;

	if (!fresh)
		return -ENOMEM;
	for (i = 0; i <= old->mask; i++)
		if (old->slots[i])
			fresh->slots[slot_of(fresh, old->slots[i])] = old->slots[i];
	/* release: the table is whole; pairs with the load in is_followed */
	__atomic_store_n(&followed->head.table, fresh, __ATOMIC_RELEASE);
	return 0;
}

static uint32_t most_in(const struct followed_table *t)
{
	return t->mask < SPARSE_SLOTS ? t->mask / 8 : t->mask / 2;
}

int followed_add(uintptr_t addr)
{
	struct followed_table *t;
	int rc = 0;
	uint32_t i;

	lock_get(&followed->lock);
	if (followed->count >= most_in(followed->head.table) && grow_locked() &&
	    followed->count >= followed->head.table->mask)
		rc = -ENOMEM;
	t = followed->head.table;
	if (rc == 0) {
		i = slot_of(t, addr);
		followed->count += t->slots[i] != addr;
		__atomic_store_n(&t->slots[i], addr, __ATOMIC_RELEASE);
	}
	lock_put(&followed->lock);
	return rc;
}

/* Empties slot I and moves up what stands behind it and would no longer be found. */
static void erase_locked(struct followed_table *t, uint32_t i)
{
	uint32_t next = i;

	for (;;) {
		uintptr_t moved;

		next = (next + 1) & t->mask;
		moved = t->slots[next];
		if (!moved)
			break;
		if (((next - followed_home(t, moved)) & t->mask) < ((next - i) & t->mask))
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
		const struct followed_table *t = __atomic_load_n(&followed->head.table,
								 __ATOMIC_ACQUIRE);

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
	struct followed_table *t;
	uint32_t i;

	if (likely(!is_followed(addr)))
		return 0;
	lock_get(&followed->lock);
	t = followed->head.table;
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
