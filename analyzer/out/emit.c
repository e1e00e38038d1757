/* SPDX-License-Identifier: MIT */
/* emit.c - see emit.h. */
#include "out/emit.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

void emit_init(struct emit *j, struct buf *out)
{
	memset(j, 0, sizeof(*j));
	j->out = out;
}

int emit_utf8_length(const char *text, size_t length)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xBF;
	int count, i;

	if (length == 0)
		return 0;
	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return 0;
	count = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if ((size_t)count > length)
		return 0;
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	if (s[1] < low || s[1] > high)
		return 0;
	for (i = 2; i < count; i++)
		if (s[i] < 0x80 || s[i] > 0xBF)
			return 0;
	return count;
}

static void quote_ascii(struct buf *out, char c)
{
	switch (c) {
	case '"':
		buf_puts(out, "\\\"");
		break;
	case '\\':
		buf_puts(out, "\\\\");
		break;
	case '\n':
		buf_puts(out, "\\n");
		break;
	case '\t':
		buf_puts(out, "\\t");
		break;
	case '\r':
		buf_puts(out, "\\r");
		break;
	default:
		if ((unsigned char)c < 0x20 || c == 0x7F)
			buf_printf(out, "\\u%04x", (unsigned char)c);
		else
			buf_putc(out, c);
	}
}

void emit_quote(struct buf *out, const char *text, size_t length)
{
	size_t at = 0;

	buf_putc(out, '"');
	while (at < length) {
		int n = emit_utf8_length(text + at, length - at);

		if (n == 1)
			quote_ascii(out, text[at]);
		else if (n > 1)
			buf_add(out, text + at, (size_t)n);
		else
			buf_puts(out, "\xEF\xBF\xBD");
		at += n ? (size_t)n : 1;
	}
	buf_putc(out, '"');
}

static void new_line(struct emit *j)
{
	if (j->flat && j->depth >= j->flat) {
		if (j->filled[j->depth])
			buf_putc(j->out, ' ');
		return;
	}
	buf_putc(j->out, '\n');
	buf_fill(j->out, ' ', (size_t)j->depth * 2);
}

static void prepare(struct emit *j, const char *key)
{
	if (j->depth == 0)
		return;
	assert((key == NULL) == j->array[j->depth]);
	if (j->filled[j->depth])
		buf_putc(j->out, ',');
	new_line(j);
	j->filled[j->depth] = 1;
	if (key) {
		emit_quote(j->out, key, strlen(key));
		buf_puts(j->out, ": ");
	}
}

static void begin(struct emit *j, const char *key, int array, int flat)
{
	prepare(j, key);
	buf_putc(j->out, array ? '[' : '{');
	j->depth++;
	assert(j->depth < EMIT_DEPTH_MAX);
	j->filled[j->depth] = 0;
	j->array[j->depth] = (uint8_t)array;
	if (flat && !j->flat)
		j->flat = j->depth;
}

void emit_begin_object(struct emit *j, const char *key)
{
	begin(j, key, 0, 0);
}

void emit_begin_array(struct emit *j, const char *key)
{
	begin(j, key, 1, 0);
}

void emit_begin_flat_object(struct emit *j, const char *key)
{
	begin(j, key, 0, 1);
}

void emit_begin_flat_array(struct emit *j, const char *key)
{
	begin(j, key, 1, 1);
}

void emit_end(struct emit *j)
{
	int array = j->array[j->depth], filled = j->filled[j->depth];
	int one_line = j->flat && j->depth >= j->flat;

	assert(j->depth > 0);
	if (j->flat == j->depth)
		j->flat = 0;
	j->depth--;
	if (filled && !one_line) {
		buf_putc(j->out, '\n');
		buf_fill(j->out, ' ', (size_t)j->depth * 2);
	}
	buf_putc(j->out, array ? ']' : '}');
	if (j->depth == 0)
		buf_putc(j->out, '\n');
}

void emit_string(struct emit *j, const char *key, const char *text)
{
	if (!text)
		emit_null(j, key);
	else
		emit_string_n(j, key, text, strlen(text));
}

void emit_string_n(struct emit *j, const char *key, const char *text, size_t length)
{
	prepare(j, key);
	emit_quote(j->out, text, length);
}

void emit_uint(struct emit *j, const char *key, uint64_t value)
{
	prepare(j, key);
	buf_printf(j->out, "%" PRIu64, value);
}

void emit_int(struct emit *j, const char *key, int64_t value)
{
	prepare(j, key);
	buf_printf(j->out, "%" PRId64, value);
}

void emit_double(struct emit *j, const char *key, double value, int decimals)
{
	prepare(j, key);
	if (isfinite(value))
		buf_printf(j->out, "%.*f", decimals, value);
	else
		buf_puts(j->out, "null");
}

void emit_bool(struct emit *j, const char *key, int value)
{
	prepare(j, key);
	buf_puts(j->out, value ? "true" : "false");
}

void emit_null(struct emit *j, const char *key)
{
	prepare(j, key);
	buf_puts(j->out, "null");
}
