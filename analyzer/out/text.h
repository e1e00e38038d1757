/* SPDX-License-Identifier: MIT */
/*
 * text.h - what all text reports share: numbers as people read them, names that cannot harm a
 * terminal, colour.
 *
 * Names come from traces and ELF files, so they are hostile: control characters never reach the
 * terminal. Numbers use decimal units as heaptrack does (1 KB = 1000 B) and never depend on the
 * locale.
 */
#ifndef OUT_TEXT_H
#define OUT_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

#define TEXT_NUMBER_BYTES 32

/* Each writes into OUT, always terminated, and returns OUT. */

/* "0B", "999B", "1.00KB", "12.35MB": two decimals from KB on, decimal units. */
const char *text_bytes(char out[TEXT_NUMBER_BYTES], uint64_t bytes);
/* "850ns", "1.25us", "3.10ms", "2.04s", "5m12s". */
const char *text_ns(char out[TEXT_NUMBER_BYTES], uint64_t ns);
/* "1.234s" with DECIMALS digits: a place on a trace's time axis. */
const char *text_seconds(char out[TEXT_NUMBER_BYTES], uint64_t ns, int decimals);
/* "12.3%"; "0%" for 0 of 0. Something that is not zero never shows as 0.0% but as <0.1%. */
const char *text_percent(char out[TEXT_NUMBER_BYTES], uint64_t part, uint64_t whole);
/* 100 * PART / WHOLE, 0 when WHOLE is 0. */
double text_share(uint64_t part, uint64_t whole);

/* Appends NAME with control characters and bytes that are not UTF-8 shown as \xNN. */
void text_name(struct buf *b, const char *name);

/*
 * Number of terminal columns that NAME takes when written by text_name, wide characters counted as
 * one.
 */
size_t text_width(const char *name);

/*
 * Appends TEXT, padded with spaces to WIDTH columns: on the left when WIDTH is negative, else on
 * the right.
 */
void text_pad(struct buf *b, const char *text, int width);

enum text_style { TEXT_PLAIN, TEXT_TITLE, TEXT_STRONG, TEXT_DIM, TEXT_BAD };

/* Switches to STYLE with an ANSI sequence when COLOR is nonzero; otherwise writes nothing. */
void text_style(struct buf *b, int color, enum text_style style);

/*
 * A bar of WIDTH columns, PART of WHOLE filled, in eighths of a block ("▏" … "█"); PART > 0 shows
 * at least one eighth.
 */
void text_bar(struct buf *b, uint64_t part, uint64_t whole, int width);

/* "s" unless COUNT is 1. */
const char *text_plural(uint64_t count);

#endif
