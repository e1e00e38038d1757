/* SPDX-License-Identifier: MIT */
/*
 * stacks.c - see stacks.h. Runs in any thread inside the guard. Readers take no lock: a
 * node is complete before the link that leads to it is stored. The first CHAIN_MAX children
 * of a node hang in a list, the others in one hash table over (parent, pc): most nodes have
 * one or two children, and a list in allocation order is kinder to the cache than hashing
 * all of them (capture.md measured 555 against 83 ns a pair).
 */
#include "stacks.h"

#include <errno.h>

#include "arena.h"
#include "defs.h"
#include "shim_trace.h"
#include "sink.h"
#include "sys.h"

#define BLOCK_BITS  16
#define BLOCK_NODES (1u << BLOCK_BITS)
#define BLOCKS_MAX  1024 /* 64 M nodes */
#define CHAIN_MAX   8
#define HASH_FIRST  4096

struct node {
	uintptr_t pc;
	uint32_t child;   /* first, 0 none */
	uint32_t sibling; /* next, 0 none */
	uint32_t parent;
	uint32_t reserved;
};

/*
 * Children that found their list full. Replaced as a whole when it grows; an old one stays
 * readable for those who still look.
 */
struct hash {
	uint32_t mask;
	uint32_t count;
	uint32_t ids[];
};

struct stacks {
	struct node *blocks[BLOCKS_MAX];
	struct hash *hash;
	uint32_t count; /* ids given out, the two reserved ones included */
	uint32_t generation;
};

static struct stacks *stacks; /* in forgotten memory */

/*
 * Never 0, and never the same again in a forked child: ids cached by a thread cannot pass
 * for valid there.
 */
static uint32_t last_generation;

static struct node *node_at(uint32_t id)
{
	struct node *block = __atomic_load_n(&stacks->blocks[id >> BLOCK_BITS], __ATOMIC_ACQUIRE);

	return block ? &block[id & (BLOCK_NODES - 1)] : NULL;
}

static uint32_t hash_slot(uint32_t parent, uintptr_t pc)
{
	uint64_t key = ((uint64_t)parent << 40 ^ (uint64_t)pc) * UINT64_C(0x9E3779B97F4A7C15);

	return (uint32_t)(key >> 32);
}

static struct hash *hash_new(uint32_t slots)
{
	struct hash *hash = arena_map(sizeof(*hash) + (size_t)slots * sizeof(hash->ids[0]));

	if (hash)
		hash->mask = slots - 1;
	return hash;
}

int stacks_start(void)
{
	if (!stacks)
		stacks = arena_forgotten(sizeof(*stacks));
	if (!stacks)
		return -ENOMEM;
	stacks->blocks[0] = arena_map(sizeof(struct node) * BLOCK_NODES);
	stacks->hash = hash_new(HASH_FIRST);
	if (!stacks->blocks[0] || !stacks->hash)
		return -ENOMEM;
	stacks->count = SHIM_STACK_FIRST;
	stacks->generation = ++last_generation;
	return 0;
}

static uint32_t find_in_hash(uint32_t parent, uintptr_t pc)
{
	/* acquire: pairs with the release in insert_hash_locked and grow_hash_locked */
	const struct hash *hash = __atomic_load_n(&stacks->hash, __ATOMIC_ACQUIRE);
	uint32_t i, id;

	for (i = hash_slot(parent, pc);; i++) {
		const struct node *node;

		id = __atomic_load_n(&hash->ids[i & hash->mask], __ATOMIC_ACQUIRE);
		if (!id)
			return 0;
		node = node_at(id);
		if (node->pc == pc && node->parent == parent)
			return id;
	}
}

/* The node, or 0. *CHAINED: length of the parent's list, as far as it was walked. */
static uint32_t find(uint32_t parent, uintptr_t pc, unsigned *chained)
{
	uint32_t id = __atomic_load_n(&node_at(parent)->child,
				      __ATOMIC_ACQUIRE); /* pairs with the release in insert */
	unsigned n;

	for (n = 0; id; n++) {
		const struct node *node = node_at(id);

		if (node->pc == pc)
			return id;
		id = __atomic_load_n(&node->sibling, __ATOMIC_ACQUIRE);
	}
	*chained = n;
	return n < CHAIN_MAX ? 0 : find_in_hash(parent, pc);
}

static void hash_put(struct hash *hash, uint32_t id)
{
	const struct node *node = node_at(id);
	uint32_t i;

	for (i = hash_slot(node->parent, node->pc); hash->ids[i & hash->mask]; i++)
		;
	__atomic_store_n(&hash->ids[i & hash->mask], id, __ATOMIC_RELEASE);
	hash->count++;
}

/*
 * A table twice as large with the same ids, or the old one when memory has run out (it only
 * gets slower, until it is full).
 */
static struct hash *grow_hash_locked(struct hash *old)
{
	struct hash *hash = hash_new((old->mask + 1) * 2);
	uint32_t i;

	if (!hash)
		return old->count < old->mask ? old : NULL;
	for (i = 0; i <= old->mask; i++)
		if (old->ids[i])
			hash_put(hash, old->ids[i]);
	__atomic_store_n(&stacks->hash, hash, __ATOMIC_RELEASE);
	return hash;
}

static void insert_hash_locked(uint32_t id)
{
	struct hash *hash = stacks->hash;

	if ((hash->count + 1) * 2 > hash->mask)
		hash = grow_hash_locked(hash);
	if (hash)
		hash_put(hash, id);
}

static void insert_chain_locked(uint32_t parent, uint32_t id)
{
	uint32_t *link = &node_at(parent)->child;

	while (*link)
		link = &node_at(*link)->sibling;
	__atomic_store_n(link, id, __ATOMIC_RELEASE);
}

/* A fresh node with its definition in the trace, or 0. */
static uint32_t new_node_locked(uint32_t parent, uintptr_t pc)
{
	uint32_t id = stacks->count, block = id >> BLOCK_BITS;

	if (block >= BLOCKS_MAX)
		return 0;
	if (!stacks->blocks[block]) {
		struct node *fresh = arena_map(sizeof(struct node) * BLOCK_NODES);

		if (!fresh)
			return 0;
		__atomic_store_n(&stacks->blocks[block], fresh, __ATOMIC_RELEASE);
	}
	if (defs_stack_locked(id, parent, pc & ~STACKS_EXACT, pc >> 63))
		return 0;
	*node_at(id) = (struct node){ .pc = pc, .parent = parent };
	stacks->count = id + 1;
	return id;
}

static COLD uint32_t insert_slow(uint32_t parent, uintptr_t pc)
{
	unsigned chained = 0;
	uint32_t id;

	defs_lock();
	id = find(parent, pc, &chained);
	if (!id) {
		id = new_node_locked(parent, pc);
		if (id && chained < CHAIN_MAX)
			insert_chain_locked(parent, id);
		else if (id)
			insert_hash_locked(id);
	}
	defs_unlock();
	if (defs_is_crowded())
		sink_definitions();
	return id ? id : parent;
}

uint32_t stacks_node(uint32_t parent, uintptr_t pc)
{
	unsigned chained = 0;
	uint32_t id = find(parent, pc, &chained);

	return likely(id) ? id : insert_slow(parent, pc);
}

uintptr_t stacks_frame(uint32_t id, uint32_t *parent)
{
	const struct node *node = node_at(id);

	*parent = node->parent;
	return node->pc;
}

uint32_t stacks_count(void)
{
	return stacks->count - SHIM_STACK_FIRST;
}

void stacks_forget(void)
{
	struct hash *fresh;
	uint32_t id;

	defs_lock();
	fresh = hash_new(HASH_FIRST);
	if (fresh)
		__atomic_store_n(&stacks->hash, fresh, __ATOMIC_RELEASE);
	/* All nodes hang below the two roots: cut there, nothing old is found again. */
	for (id = 0; id < SHIM_STACK_FIRST; id++)
		__atomic_store_n(&node_at(id)->child, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&stacks->generation, ++last_generation, __ATOMIC_RELEASE);
	defs_unlock();
}

uint32_t stacks_generation(void)
{
	return __atomic_load_n(&stacks->generation, __ATOMIC_ACQUIRE);
}
