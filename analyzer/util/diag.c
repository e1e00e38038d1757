/* SPDX-License-Identifier: MIT */
/* diag.c - see diag.h. Pure formatting into a fixed struct: no allocation, no output. */
#include "util/diag.h"

#include <stdarg.h>
#include <stdio.h>

void diag_clear(struct diag *d)
{
	d->where[0] = '\0';
	d->what[0] = '\0';
	d->offset = DIAG_NO_OFFSET;
}

int diag_set(struct diag *d, const char *where, uint64_t offset, const char *format, ...)
{
	va_list args;

	if (!d || diag_is_set(d))
		return -1;
	snprintf(d->where, sizeof(d->where), "%s", where ? where : "");
	d->offset = offset;
	va_start(args, format);
	vsnprintf(d->what, sizeof(d->what), format, args);
	va_end(args);
	return -1;
}

int diag_is_set(const struct diag *d)
{
	return d->what[0] != '\0';
}

void diag_format(const struct diag *d, char *out, unsigned size)
{
	if (d->where[0] && d->offset != DIAG_NO_OFFSET)
		snprintf(out, size, "%s: offset %llu: %s", d->where, (unsigned long long)d->offset,
			 d->what);
	else if (d->where[0])
		snprintf(out, size, "%s: %s", d->where, d->what);
	else
		snprintf(out, size, "%s", d->what);
}
