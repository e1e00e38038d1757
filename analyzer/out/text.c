/* SPDX-License-Identifier: MIT */
/* text.c - see text.h. */
#include "out/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "out/emit.h"

const char *text_bytes(char out[TEXT_NUMBER_BYTES], uint64_t bytes)
{
	static const char *const unit[] = { "B", "KB", "MB", "GB", "TB", "PB", "EB" };
	double value = (double)bytes;
	unsigned at = 0;

	if (bytes < 1000) {
		snprintf(out, TEXT_NUMBER_BYTES, "%" PRIu64 "B", bytes);
		return out;
	}
	while (value >= 999.995 && at + 1 < sizeof(unit) / sizeof(unit[0])) {
		value /= 1000;
		at++;
	}
	snprintf(out, TEXT_NUMBER_BYTES, "%.2f%s", value, unit[at]);
	return out;
}

const char *text_ns(char out[TEXT_NUMBER_BYTES], uint64_t ns)
{
	if (ns < 1000)
		snprintf(out, TEXT_NUMBER_BYTES, "%" PRIu64 "ns", ns);
	else if (ns < 999995)
		snprintf(out, TEXT_NUMBER_BYTES, "%.2fus", (double)ns / 1e3);
	else if (ns < 999995000)
		snprintf(out, TEXT_NUMBER_BYTES, "%.2fms", (double)ns / 1e6);
	else if (ns < 120ull * 1000000000)
		snprintf(out, TEXT_NUMBER_BYTES, "%.2fs", (double)ns / 1e9);
	else if (ns < 7200ull * 1000000000)
		snprintf(out, TEXT_NUMBER_BYTES, "%" PRIu64 "m%02us", ns / 1000000000 / 60,
			 (unsigned)(ns / 1000000000 % 60));
	else
		snprintf(out, TEXT_NUMBER_BYTES, "%" PRIu64 "h%02um", ns / 1000000000 / 3600,
			 (unsigned)(ns / 1000000000 / 60 % 60));
	return out;
}

const char *text_seconds(char out[TEXT_NUMBER_BYTES], uint64_t ns, int decimals)
{
	snprintf(out, TEXT_NUMBER_BYTES, "%.*fs", decimals, (double)ns / 1e9);
	return out;
}

double text_share(uint64_t part, uint64_t whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

const char *text_percent(char out[TEXT_NUMBER_BYTES], uint64_t part, uint64_t whole)
{
	double share = text_share(part, whole);

	if (part == 0 || whole == 0)
		snprintf(out, TEXT_NUMBER_BYTES, "0%%");
	else if (share < 0.05)
		snprintf(out, TEXT_NUMBER_BYTES, "<0.1%%");
	else
		snprintf(out, TEXT_NUMBER_BYTES, "%.1f%%", share);
	return out;
}

/*
 * Length of the character at S[LENGTH] if a terminal may see it as it is, 0 if its first byte must
 * be shown as \xNN: not UTF-8, a control, or one of U+0080..U+009F, which some terminals obey like
 * ESC sequences.
 */
static int visible(const char *s, size_t length)
{
	int n = emit_utf8_length(s, length);
	unsigned char c = (unsigned char)s[0];

	if (n == 1 && (c < 0x20 || c == 0x7F))
		return 0;
	if (n == 2 && c == 0xC2 && (unsigned char)s[1] < 0xA0)
		return 0;
	return n;
}

void text_name(struct buf *b, const char *name)
{
	size_t length = strlen(name), at = 0;

	while (at < length) {
		int n = visible(name + at, length - at);

		if (n)
			buf_add(b, name + at, (size_t)n);
		else
			buf_printf(b, "\\x%02x", (unsigned char)name[at]);
		at += n ? (size_t)n : 1;
	}
}

size_t text_width(const char *name)
{
	size_t length = strlen(name), at = 0, width = 0;

	while (at < length) {
		int n = visible(name + at, length - at);

		width += n ? 1 : 4;
		at += n ? (size_t)n : 1;
	}
	return width;
}

void text_pad(struct buf *b, const char *text, int width)
{
	size_t wanted = (size_t)(width < 0 ? -width : width), has = text_width(text);
	size_t gap = wanted > has ? wanted - has : 0;

	if (width < 0)
		buf_fill(b, ' ', gap);
	text_name(b, text);
	if (width > 0)
		buf_fill(b, ' ', gap);
}

void text_style(struct buf *b, int color, enum text_style style)
{
	static const char *const sequence[] = {
		[TEXT_PLAIN] = "\033[0m", [TEXT_TITLE] = "\033[1;36m", [TEXT_STRONG] = "\033[1m",
		[TEXT_DIM] = "\033[2m",   [TEXT_BAD] = "\033[1;31m",
	};

	if (color)
		buf_puts(b, sequence[style]);
}

void text_bar(struct buf *b, uint64_t part, uint64_t whole, int width)
{
	static const char *const eighth[] = { "",       "\u258f", "\u258e", "\u258d",
					      "\u258c", "\u258b", "\u258a", "\u2589" };
	double share = whole ? (double)part / (double)whole : 0;
	int filled = (int)(share * width * 8 + 0.5), i;

	if (filled > width * 8)
		filled = width * 8;
	if (filled == 0 && part)
		filled = 1;
	for (i = 0; i < filled / 8; i++)
		buf_puts(b, "\u2588");
	buf_puts(b, eighth[filled % 8]);
	i += filled % 8 != 0;
	buf_fill(b, ' ', (size_t)(width - i));
}

const char *text_plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}
