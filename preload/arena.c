/* SPDX-License-Identifier: MIT */
/*
 * arena.c - see arena.h. Runs in any thread inside the guard. Must never call the program's
 * allocator, set errno or take a lock that outlives a fork: its own lock lies in forgotten
 * memory.
 */
#include "arena.h"

#include <stdint.h>

#include "lock.h"
#include "sys.h"

#define ARENA_ALIGN           64u
#define ARENA_CHUNK_BYTES     (256u << 10)
#define ARENA_FORGOTTEN_BYTES (4u << 20) /* address space: pages are touched as they are used */

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#define MADV_UNKNOWN (-1)

/* In the forgotten region itself, so wiped with it. */
struct arena_state {
	struct lock lock;
	char *next; /* of the current DONTFORK chunk */
	char *end;
	size_t bytes;
};

/*
 * The bump offset of the forgotten region is not wiped: objects keep their places in a
 * child. It is an atomic counter and not guarded by a lock, which a child might find held
 * by a thread that it does not have.
 */
static struct {
	char *base;
	size_t used; /* atomic */
	int is_wiped_by_kernel;
} forgotten;

static size_t round_up(size_t size, size_t unit)
{
	return (size + unit - 1) & ~(unit - 1);
}

static void *map_pages(size_t size)
{
	long p = sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return sys_is_error(p) ? NULL : (void *)p;
}

/*
 * An emulator of system calls (qemu-user) may say yes to every advice and follow none: so it is asked for one that
 * does not exist, too.
 */
static int is_wiped_at_fork(void *p, size_t size)
{
	return sys_madvise(p, size, MADV_WIPEONFORK) == 0 && sys_madvise(p, size, MADV_UNKNOWN) != 0;
}

static COLD char *forgotten_base_slow(void)
{
	char *fresh = map_pages(ARENA_FORGOTTEN_BYTES);
	char *expected = NULL;

	if (!fresh)
		return NULL;
	if (is_wiped_at_fork(fresh, ARENA_FORGOTTEN_BYTES))
		forgotten.is_wiped_by_kernel = 1;
	if (__atomic_compare_exchange_n(&forgotten.base, &expected, fresh, 0, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return fresh;
	sys_munmap(fresh, ARENA_FORGOTTEN_BYTES); /* another thread was first */
	return expected;
}

static char *forgotten_base(void)
{
	char *base = __atomic_load_n(&forgotten.base, __ATOMIC_ACQUIRE);

	return likely(base) ? base : forgotten_base_slow();
}

/* The first bytes of the region are the arena's own state. */
static struct arena_state *arena_state(void)
{
	return (struct arena_state *)(void *)forgotten_base();
}

void *arena_forgotten(size_t size)
{
	char *base = forgotten_base();
	size_t at;

	if (!base)
		return NULL;
	size = round_up(size, ARENA_ALIGN);
	at = __atomic_fetch_add(&forgotten.used, size, __ATOMIC_RELAXED) +
	     round_up(sizeof(struct arena_state), ARENA_ALIGN);
	return at + size > ARENA_FORGOTTEN_BYTES ? NULL : base + at;
}

void arena_forget(void)
{
	char *base = __atomic_load_n(&forgotten.base, __ATOMIC_ACQUIRE);
	size_t i, used;

	if (!base || forgotten.is_wiped_by_kernel)
		return;
	used = forgotten.used + round_up(sizeof(struct arena_state), ARENA_ALIGN);
	for (i = 0; i < used; i++)
		((volatile char *)base)[i] = 0;
}

void *arena_map(size_t size)
{
	struct arena_state *state = arena_state();
	void *p;

	size = round_up(size, 4096);
	p = state ? map_pages(size) : NULL;
	if (!p)
		return NULL;
	sys_madvise(p, size, MADV_DONTFORK);
	__atomic_fetch_add(&state->bytes, size, __ATOMIC_RELAXED);
	return p;
}

void arena_unmap(void *p, size_t size)
{
	size = round_up(size, 4096);
	sys_munmap(p, size);
	__atomic_fetch_sub(&arena_state()->bytes, size, __ATOMIC_RELAXED);
}

void *arena_alloc(size_t size)
{
	struct arena_state *state = arena_state();
	char *p = NULL;

	if (!state)
		return NULL;
	size = round_up(size, ARENA_ALIGN);
	if (size > ARENA_CHUNK_BYTES / 4)
		return arena_map(size);
	lock_get(&state->lock);
	if ((size_t)(state->end - state->next) < size) {
		state->next = arena_map(ARENA_CHUNK_BYTES);
		state->end = state->next ? state->next + ARENA_CHUNK_BYTES : NULL;
	}
	if (state->next) {
		p = state->next;
		state->next += size;
	}
	lock_put(&state->lock);
	return p;
}

size_t arena_bytes(void)
{
	struct arena_state *state = arena_state();

	return state ? __atomic_load_n(&state->bytes, __ATOMIC_RELAXED) : 0;
}
