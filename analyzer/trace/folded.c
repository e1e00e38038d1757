/* SPDX-License-Identifier: MIT */
/* folded.c - see folded.h. */
#include "trace/folded.h"

#include <stdlib.h>

#include "trace/event.h"
#include "util/pool.h"

#define KIND_LEAST_BYTES 9

void folded_clear(struct folded *f)
{
	f->count = 0;
	f->pairs = f->most_bytes = 0;
	f->crest = 0;
}

void folded_free(struct folded *f)
{
	free(f->kinds);
	*f = (struct folded){ 0 };
}

/* 0 when K is possible. *PAIRS and *BYTES are the sums so far. */
static int add_up(const struct folded_kind *k, uint64_t *pairs, uint64_t *bytes)
{
	if (!k->count || k->count > SHIM_FOLDED_MAX_COUNT || k->temporary > k->count ||
	    k->live > k->count || k->size > EVENT_SIZE_MAX)
		return -1;
	*pairs += k->count;
	if (*pairs > SHIM_FOLDED_MAX_COUNT)
		return -1;
	if (k->size && k->count > (SHIM_FOLDED_MAX_BYTES - *bytes) / k->size)
		return -1;
	*bytes += k->count * k->size;
	return 0;
}

static int read_kind(struct folded_kind *k, struct cursor *c, uint64_t *stack)
{
	uint64_t extra, end_extra;

	k->func = cursor_byte(c);
	k->end_func = cursor_byte(c);
	extra = cursor_varint(c);
	end_extra = cursor_varint(c);
	*stack += (uint64_t)cursor_unzigzag(cursor_varint(c));
	k->size = cursor_varint(c);
	k->count = cursor_varint(c);
	k->temporary = cursor_varint(c);
	k->live = cursor_varint(c);
	k->extra = (uint16_t)extra;
	k->end_extra = (uint16_t)end_extra;
	k->stack = (uint32_t)*stack;
	return c->bad || extra > UINT16_MAX || end_extra > UINT16_MAX || *stack > UINT32_MAX ? -1 : 0;
}

int folded_read(struct folded *f, struct cursor *c, uint32_t rows)
{
	uint64_t count = cursor_varint(c), stack = 0, bytes = 0, crest, i;

	folded_clear(f);
	if (count > cursor_left(c) / KIND_LEAST_BYTES)
		return -1;
	f->kinds = pool_grow(f->kinds, &f->capacity, count + 1, sizeof(*f->kinds));
	for (i = 0; i < count; i++)
		if (read_kind(&f->kinds[i], c, &stack) < 0 ||
		    add_up(&f->kinds[i], &f->pairs, &bytes) < 0)
			return -1;
	crest = cursor_varint(c);
	f->most_bytes = cursor_left(c) ? cursor_varint(c) : 0;
	if (c->bad || crest > rows || f->most_bytes > bytes)
		return -1;
	f->crest = (uint32_t)crest;
	f->count = count;
	return 0;
}
