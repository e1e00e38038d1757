/* SPDX-License-Identifier: MIT */
/*
 * emit.h - streaming JSON: what is written goes straight to a buffer, no tree is built.
 *
 * Strings are made valid: UTF-8 passes, every byte that is not part of a well-formed sequence
 * becomes U+FFFD, control characters are escaped. Numbers are exact for 64-bit integers. Context:
 * one writer per buffer, one thread.
 */
#ifndef OUT_EMIT_H
#define OUT_EMIT_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

#define EMIT_DEPTH_MAX 32

struct emit {
	struct buf *out;
	int depth;
	int flat;                       /* depth from which everything stays on one line, 0: none */
	uint8_t filled[EMIT_DEPTH_MAX]; /* the container at this depth has a member */
	uint8_t array[EMIT_DEPTH_MAX];  /* it is an array */
};

void emit_init(struct emit *j, struct buf *out);

/*
 * KEY names the member of an object and is NULL for elements of an array and for the outermost
 * value, here and in all calls below. Nesting deeper than EMIT_DEPTH_MAX is a bug of the caller
 * (asserted).
 */
void emit_begin_object(struct emit *j, const char *key);
void emit_begin_array(struct emit *j, const char *key);

/* The same, with everything inside on one line. */
void emit_begin_flat_object(struct emit *j, const char *key);
void emit_begin_flat_array(struct emit *j, const char *key);

/* Ends the innermost container, whichever kind it is. The outermost end adds a newline. */
void emit_end(struct emit *j);

/* TEXT NULL writes null. */
void emit_string(struct emit *j, const char *key, const char *text);
void emit_string_n(struct emit *j, const char *key, const char *text, size_t length);
void emit_uint(struct emit *j, const char *key, uint64_t value);
void emit_int(struct emit *j, const char *key, int64_t value);
/* DECIMALS digits behind the point; what is not finite is null. */
void emit_double(struct emit *j, const char *key, double value, int decimals);
void emit_bool(struct emit *j, const char *key, int value);
void emit_null(struct emit *j, const char *key);

/*
 * Appends TEXT[LENGTH] as a quoted JSON string, without key or comma. For writers of JSON-like
 * tables.
 */
void emit_quote(struct buf *out, const char *text, size_t length);

/*
 * Length in bytes of the well-formed UTF-8 sequence at TEXT[LENGTH] (RFC 3629: no overlong forms,
 * no surrogates), or 0.
 */
int emit_utf8_length(const char *text, size_t length);

#endif
