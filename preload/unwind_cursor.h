/* SPDX-License-Identifier: MIT */
/*
 * unwind_cursor.h - reading numbers of DWARF from bytes that nobody has checked.
 *
 * A cursor never passes its end: a read that would sets is_bad, yields 0 and leaves the cursor at
 * the end, so that loops over it terminate and one test at the end of a parse is enough. Context of
 * all: any thread, signal handler.
 */
#ifndef PRELOAD_UNWIND_CURSOR_H
#define PRELOAD_UNWIND_CURSOR_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *at, *end;
	int is_bad;
};

/* The next BYTES bytes (at most 8) as a number; 0 at the end. */
static inline uint64_t take(struct cursor *c, unsigned bytes)
{
	uint64_t value = 0;

	if ((size_t)(c->end - c->at) < bytes) {
		c->is_bad = 1;
		c->at = c->end;
		return 0;
	}
	memcpy(&value, c->at, bytes);
	c->at += bytes;
	return value;
}

static inline uint64_t take_uleb(struct cursor *c)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)take(c, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	return value;
}

static inline int64_t take_sleb(struct cursor *c)
{
	uint64_t value = 0;
	unsigned shift = 0;
	uint8_t byte;

	do {
		byte = (uint8_t)take(c, 1);
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
	} while (byte & 0x80);
	if (shift < 64 && (byte & 0x40))
		value |= ~UINT64_C(0) << shift;
	return (int64_t)value;
}

static inline void skip(struct cursor *c, uint64_t bytes)
{
	if ((uint64_t)(c->end - c->at) < bytes) {
		c->is_bad = 1;
		bytes = (uint64_t)(c->end - c->at);
	}
	c->at += bytes;
}

/* DW_EH_PE_*: the low half is the form, the high half what it is relative to. */
enum {
	FORM_ABSOLUTE = 0x00,
	FORM_ULEB = 0x01,
	FORM_U2 = 0x02,
	FORM_U4 = 0x03,
	FORM_U8 = 0x04,
	FORM_SLEB = 0x09,
	FORM_S2 = 0x0a,
	FORM_S4 = 0x0b,
	FORM_S8 = 0x0c,
	TO_PC = 0x10,
	TO_DATA = 0x30,
	OMITTED = 0xff,
};

static inline uint64_t take_form(struct cursor *c, uint8_t encoding)
{
	switch (encoding & 0x0f) {
	case FORM_ABSOLUTE:
	case FORM_U8:
	case FORM_S8:
		return take(c, 8);
	case FORM_ULEB:
		return take_uleb(c);
	case FORM_U2:
		return take(c, 2);
	case FORM_U4:
		return take(c, 4);
	case FORM_SLEB:
		return (uint64_t)take_sleb(c);
	case FORM_S2:
		return (uint64_t)(int16_t)take(c, 2);
	case FORM_S4:
		return (uint64_t)(int32_t)take(c, 4);
	default:
		c->is_bad = 1;
		return 0;
	}
}

/* An address; DATA is what TO_DATA is relative to. Indirect addresses are not known here. */
static inline uintptr_t take_address(struct cursor *c, uint8_t encoding, uintptr_t data)
{
	uintptr_t from = (uintptr_t)c->at, value = take_form(c, encoding);

	switch (encoding & 0xf0) {
	case 0:
		return value;
	case TO_PC:
		return from + value;
	case TO_DATA:
		return data + value;
	default:
		c->is_bad = 1;
		return 0;
	}
}

#endif
