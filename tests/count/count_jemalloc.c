/* SPDX-License-Identifier: MIT */
/*
 * count_jemalloc.c - jemalloc's own calls. Linked into libcount_jemalloc.so only, which is preloaded
 * where jemalloc is known to be present: a program that finds mallocx believes in it.
 *
 * rallocx and xallocx count as reallocations; xallocx counts only where it reached the size asked for.
 */
#include "count.h"

void *mallocx(size_t size, int flags);
void *rallocx(void *p, size_t size, int flags);
size_t xallocx(void *p, size_t size, size_t extra, int flags);
void dallocx(void *p, int flags);
void sdallocx(void *p, size_t size, int flags);

EXPORT void *mallocx(size_t size, int flags)
{
	void *p = NEXT(mallocx, "mallocx")(size, flags);

	if (p)
		count_call(COUNT_MALLOCX, size);
	return p;
}

EXPORT void *rallocx(void *old, size_t size, int flags)
{
	void *p = NEXT(rallocx, "rallocx")(old, size, flags);

	if (p)
		count_call(COUNT_RALLOCX, size);
	return p;
}

EXPORT size_t xallocx(void *p, size_t size, size_t extra, int flags)
{
	size_t real = NEXT(xallocx, "xallocx")(p, size, extra, flags);

	if (real >= size)
		count_call(COUNT_XALLOCX, size);
	return real;
}

EXPORT void dallocx(void *p, int flags)
{
	count_call(COUNT_DALLOCX, 0);
	NEXT(dallocx, "dallocx")(p, flags);
}

EXPORT void sdallocx(void *p, size_t size, int flags)
{
	count_call(COUNT_SDALLOCX, 0);
	NEXT(sdallocx, "sdallocx")(p, size, flags);
}
