/* SPDX-License-Identifier: MIT */
/*
 * fields.c - see fields.h. Keys and values are copied, each with a NUL behind it, into one piece of
 * memory.
 */
#include "trace/fields.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shim_trace.h"
#include "trace/cursor.h"
#include "util/crc32.h"
#include "util/pool.h"

static char *copy_text(char **room, const char *text, size_t length)
{
	char *copy = *room;

	memcpy(copy, text, length);
	copy[length] = '\0';
	*room += length + 1;
	return copy;
}

int fields_parse(struct fields *f, const void *payload, size_t bytes, size_t tail_bytes,
		 const char *magic, const char *name, uint64_t offset, struct diag *d)
{
	struct shim_trace_facts start;
	size_t length, capacity = 0;
	struct cursor c;
	char *room;

	*f = (struct fields){ 0 };
	if (bytes < sizeof(start) + tail_bytes || bytes > SHIM_FACTS_MAX_BYTES)
		return diag_set(d, name, offset, "a header or footer of %zu bytes", bytes);
	memcpy(&start, payload, sizeof(start));
	if (memcmp(start.magic, magic, sizeof(start.magic)) != 0)
		return diag_set(d, name, offset, "no %.8s where it should be", magic);
	if (start.version < SHIM_TRACE_VERSION_MIN || start.version > SHIM_TRACE_VERSION)
		return diag_set(d, name, offset, "format version %u, only %u to %u are known here",
				start.version, SHIM_TRACE_VERSION_MIN, SHIM_TRACE_VERSION);
	length = bytes - sizeof(start) - tail_bytes;
	cursor_begin(&c, (const char *)payload + sizeof(start), length);
	if (crc32_add(0, c.at, length) != start.crc)
		return diag_set(d, name, offset, "the facts fail their checksum");
	f->run_id = start.run_id;
	/* A text of n bytes takes at least n + 1 in the file, so its terminated copy has room. */
	room = f->text = xmalloc(length + 1);
	while (cursor_left(&c)) {
		size_t key_length, value_length;
		const char *key = cursor_text(&c, &key_length);
		const char *value = cursor_text(&c, &value_length);

		if (c.bad)
			return diag_set(d, name, offset, "a fact is cut off");
		f->items = pool_grow(f->items, &capacity, f->count + 1, sizeof(*f->items));
		f->items[f->count].key = copy_text(&room, key, key_length);
		f->items[f->count].value = copy_text(&room, value, value_length);
		f->items[f->count++].length = value_length;
	}
	return 0;
}

void fields_free(struct fields *f)
{
	free(f->items);
	free(f->text);
	*f = (struct fields){ 0 };
}

const struct field *fields_find(const struct fields *f, const char *key)
{
	size_t i;

	for (i = 0; f && i < f->count; i++)
		if (strcmp(f->items[i].key, key) == 0)
			return &f->items[i];
	return NULL;
}

const char *fields_text(const struct fields *f, const char *key)
{
	const struct field *field = fields_find(f, key);

	return field ? field->value : NULL;
}

uint64_t fields_number(const struct fields *f, const char *key, uint64_t otherwise)
{
	const char *text = fields_text(f, key);
	unsigned long long value;
	char *end;

	if (!text || text[0] < '0' || text[0] > '9')
		return otherwise;
	errno = 0;
	value = strtoull(text, &end, 10);
	return errno || *end ? otherwise : value;
}
