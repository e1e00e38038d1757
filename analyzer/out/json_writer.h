/* SPDX-License-Identifier: MIT */
/*
 * json_writer.h - streaming JSON: what is written goes straight to a buffer, no tree is built.
 *
 * Strings are made valid: UTF-8 passes, every byte that is not part of a well-formed sequence becomes U+FFFD, control
 * characters are escaped. Numbers are exact for 64-bit integers. Context: one writer per buffer, one thread.
 */
#ifndef OUT_JSON_WRITER_H
#define OUT_JSON_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"

#define JSON_DEPTH_MAX 32

struct json {
	struct buf *out;
	int depth;
	int flat;                      /* depth from which everything stays on one line, 0: none */
	uint8_t filled[JSON_DEPTH_MAX]; /* the container at this depth has a member */
	uint8_t array[JSON_DEPTH_MAX];  /* it is an array */
};

void json_init(struct json *j, struct buf *out);

/*
 * KEY names the member of an object and is NULL for elements of an array and for the outermost value, here and in all
 * calls below. Nesting deeper than JSON_DEPTH_MAX is a bug of the caller (asserted).
 */
void json_begin_object(struct json *j, const char *key);
void json_begin_array(struct json *j, const char *key);

/* The same, with everything inside on one line. */
void json_begin_flat_object(struct json *j, const char *key);
void json_begin_flat_array(struct json *j, const char *key);

/* Ends the innermost container, whichever kind it is. The outermost end adds a newline. */
void json_end(struct json *j);

/* TEXT NULL writes null. */
void json_string(struct json *j, const char *key, const char *text);
void json_string_n(struct json *j, const char *key, const char *text, size_t length);
void json_uint(struct json *j, const char *key, uint64_t value);
void json_int(struct json *j, const char *key, int64_t value);
/* DECIMALS digits behind the point; what is not finite is null. */
void json_double(struct json *j, const char *key, double value, int decimals);
void json_bool(struct json *j, const char *key, int value);
void json_null(struct json *j, const char *key);

/* Appends TEXT[LENGTH] as a quoted JSON string, without key or comma. For writers of JSON-like tables. */
void json_quote(struct buf *out, const char *text, size_t length);

/*
 * Length in bytes of the well-formed UTF-8 sequence at TEXT[LENGTH] (RFC 3629: no overlong forms, no surrogates), or 0.
 */
int json_utf8_length(const char *text, size_t length);

#endif
