/* SPDX-License-Identifier: MIT */
/* threads.c - see threads.h. */
#include "pass/threads.h"

#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

void threads_free(struct threads *t)
{
	free(t->rows);
	*t = (struct threads){ 0 };
}

struct threads_row *threads_add(struct threads *t, size_t count)
{
	struct threads_row *added;

	t->rows = pool_grow(t->rows, &t->capacity, t->count + count, sizeof(*t->rows));
	if (!count)
		return t->rows;
	added = t->rows + t->count;
	memset(added, 0, count * sizeof(*added));
	t->count += count;
	return added;
}
