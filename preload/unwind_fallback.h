/* SPDX-License-Identifier: MIT */
/*
 * unwind_fallback.h - stacks by libunwind, opened at run time.
 *
 * It is never linked: it exports the whole _Unwind_* family and would take a program's C++
 * exceptions over. Opened with RTLD_LOCAL its symbols are nobody's but ours.
 */
#ifndef PRELOAD_UNWIND_FALLBACK_H
#define PRELOAD_UNWIND_FALLBACK_H

#include <stddef.h>
#include <stdint.h>

/*
 * Opens libunwind, once per program image; to be called in every process. Calls the loader and,
 * through it, the program's allocator: the caller holds the guard. 0, -ENOENT when there is none,
 * or -ENOMEM. Context: start-up only.
 */
int fallback_start(void);

/*
 * Return addresses of the calling thread's stack into OUT[MAX], innermost first, beginning with
 * frames of our own. Their number; 0 without an engine. May change errno. Context: any thread,
 * inside the guard.
 */
size_t fallback_walk(uintptr_t *out, size_t max);

/* Code was unloaded: rules found for addresses are void. Context: any thread. */
void fallback_forget(void);

#endif
