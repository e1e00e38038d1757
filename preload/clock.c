/* SPDX-License-Identifier: MIT */
/* clock.c - see clock.h. Runs in any thread; calls the kernel or the vdso only. */
#include "clock.h"

#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

int clock_is_tsc;

void clock_start(void)
{
#if defined(__x86_64__)
	unsigned a = 0, b = 0, c = 0, d = 0;

	/*
	 * CPUID 8000_0007h, EDX bit 8: the TSC runs at one rate in all states, on all cores
	 * (AMD and Intel manuals).
	 */
	clock_is_tsc = __get_cpuid(0x80000007u, &a, &b, &c, &d) && (d & (1u << 8));
#endif
}

const char *clock_name(void)
{
	return clock_is_tsc ? "tsc" : "monotonic";
}

/*
 * libc's clock_gettime stays in the vdso, touches no errno on these clocks, and is
 * async-signal-safe.
 */
static uint64_t read_ns(clockid_t clock)
{
	struct timespec now = { 0, 0 };

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_unix_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

uint64_t clock_thread_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
