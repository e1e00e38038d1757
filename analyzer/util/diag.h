/* SPDX-License-Identifier: MIT */
/*
 * diag.h - one description of what went wrong, where, and what to do.
 *
 * Library code of the tool never prints and never exits: it returns -1 and fills a struct diag that its caller
 * passed in. Only main.c turns one into a line on stderr.
 */
#ifndef UTIL_DIAG_H
#define UTIL_DIAG_H

#include <stdint.h>

#define DIAG_NO_OFFSET UINT64_MAX

struct diag {
	char where[512]; /* file (or other source) the trouble is in; "" when nothing was reported */
	uint64_t offset; /* byte offset in it, DIAG_NO_OFFSET when it has none */
	char what[768];  /* one clause: what is wrong, and what the user can do */
};

/* Empties D. */
void diag_clear(struct diag *d);

/*
 * Describes a problem in D. The first description wins: once D is filled, later calls change nothing, so that the
 * cause is kept and not its consequences. D may be NULL. Always returns -1, so that `return diag_set(...)` reads well.
 */
int diag_set(struct diag *d, const char *where, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Nonzero when D (not NULL) holds a description. */
int diag_is_set(const struct diag *d);

/* Writes "where: offset N: what" (parts that are absent left out) into OUT[SIZE], always terminated. */
void diag_format(const struct diag *d, char *out, unsigned size);

#endif
