/* SPDX-License-Identifier: MIT */
/*
 * arena.h - the library's own memory, straight from the kernel, never from the program's
 * allocator.
 *
 * Two kinds, by what a forked child finds:
 *   arena_forgotten  zeros again (MADV_WIPEONFORK): all mutable state, so that the child
 *   starts over, however it was forked
 *   arena_alloc      nothing (MADV_DONTFORK): big tables and buffers, which the child must
 *   not touch and need not copy
 */
#ifndef PRELOAD_ARENA_H
#define PRELOAD_ARENA_H

#include <stddef.h>

/*
 * SIZE zeroed bytes, aligned to 64, for the life of the program image; zero again in every
 * forked child. NULL when memory has run out. Call once per object and image (guard with a
 * static pointer), not once per process.
 * Context: any thread.
 */
void *arena_forgotten(size_t size);

/*
 * SIZE zeroed bytes, aligned to 64, for the life of this process. Never freed. NULL when
 * memory has run out. Context: any thread.
 */
void *arena_alloc(size_t size);

/* Whole pages of their own: as arena_alloc, but arena_unmap can give them back. */
void *arena_map(size_t size);
void arena_unmap(void *p, size_t size);

/* Bytes taken from the kernel so far by this process. Context: any thread. */
size_t arena_bytes(void);

/*
 * What the kernel would have done at a fork where MADV_WIPEONFORK has no effect. Context: a
 * forked child's only thread.
 */
void arena_forget(void);

#endif
