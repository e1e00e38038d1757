/* SPDX-License-Identifier: MIT */
/*
 * clock.h - ticks: the invariant time stamp counter where there is one, else
 * CLOCK_MONOTONIC in ns.
 *
 * rdtsc costs 9 ns here, clock_gettime 21 (docs/design-notes.md). Ticks become ns in the
 * tool, through pairs.
 */
#ifndef PRELOAD_CLOCK_H
#define PRELOAD_CLOCK_H

#include <stdint.h>

#include "sys.h"

/* 1 when a tick is a TSC cycle. Written at start-up only. */
extern int clock_is_tsc;

/* Chooses the clock. Context: start-up only. */
void clock_start(void);
/* "tsc" or "monotonic". */
const char *clock_name(void);

uint64_t clock_mono_ns(void);
uint64_t clock_unix_ns(void);
/* CPU time of the calling thread, ns. */
uint64_t clock_thread_cpu_ns(void);

/* Now, in ticks. Context: any thread, signal handler. */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
	if (likely(clock_is_tsc))
		return __builtin_ia32_rdtsc();
#endif
	return clock_mono_ns();
}

/*
 * Now, not earlier than anything before it in program order: an allocation is stamped after
 * the allocator's lock was taken, so that it never seems older than the free that made its
 * address available.
 */
static inline uint64_t clock_ticks_after(void)
{
#if defined(__x86_64__)
	__builtin_ia32_lfence();
#endif
	return clock_ticks();
}

#endif
