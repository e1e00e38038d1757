/* SPDX-License-Identifier: MIT */
/*
 * cursor.h - reads numbers and texts from bytes that may be hostile. The first read beyond the end
 * makes the cursor bad for good; from then on every read gives 0, so that callers check once, at
 * the end.
 */
#ifndef TRACE_CURSOR_H
#define TRACE_CURSOR_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"

struct cursor {
	const uint8_t *at, *end;
	int bad;
};

static inline void cursor_begin(struct cursor *c, const void *bytes, size_t length)
{
	c->at = bytes;
	c->end = c->at + length;
	c->bad = 0;
}

static inline size_t cursor_left(const struct cursor *c)
{
	return (size_t)(c->end - c->at);
}

static inline uint64_t cursor_fail(struct cursor *c)
{
	c->bad = 1;
	c->at = c->end;
	return 0;
}

/* LENGTH bytes, or NULL. */
static inline const uint8_t *cursor_bytes(struct cursor *c, uint64_t length)
{
	const uint8_t *at = c->at;

	if (length > cursor_left(c)) {
		cursor_fail(c);
		return NULL;
	}
	c->at += length;
	return at;
}

static inline uint8_t cursor_byte(struct cursor *c)
{
	return c->at < c->end ? *c->at++ : (uint8_t)cursor_fail(c);
}

/* Unsigned LEB128 of at most 10 bytes; more than 64 bits is bad. */
static inline uint64_t cursor_varint(struct cursor *c)
{
	uint64_t value = 0;
	unsigned shift;

	for (shift = 0; shift < 64; shift += 7) {
		uint8_t byte = cursor_byte(c);

		if (shift == 63 && byte > 1)
			return cursor_fail(c);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	return cursor_fail(c);
}

static inline int64_t cursor_unzigzag(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/*
 * A text: its bytes and *LENGTH (both 0 when it is cut or longer than SHIM_TEXT_MAX_BYTES). Not
 * terminated.
 */
static inline const char *cursor_text(struct cursor *c, size_t *length)
{
	uint64_t wanted = cursor_varint(c);
	const char *text = NULL;

	if (wanted > SHIM_TEXT_MAX_BYTES)
		cursor_fail(c);
	else
		text = (const char *)cursor_bytes(c, wanted);
	*length = text && !c->bad ? (size_t)wanted : 0;
	return *length ? text : "";
}

#endif
