/* SPDX-License-Identifier: MIT */
/*
 * number.h - a number of a report that may be an estimate: how it is written, with where the true one
 * lies. An exact number looks as if there were no such thing as samples.
 */
#ifndef OUT_NUMBER_H
#define OUT_NUMBER_H

#include "out/emit.h"
#include "out/text.h"
#include "pass/heap.h"

#define NUMBER_TEXT_BYTES (3 * TEXT_NUMBER_BYTES + 16)

struct number {
	uint64_t value;
	uint64_t low, high; /* the true one lies between, with 95 %; high UINT64_MAX: unknown */
	uint64_t samples;   /* blocks behind the estimate */
	int is_estimate;    /* 0: value is exact, low and high are it */
};

/* E: what of VALUE is an estimate; NULL or zero: nothing. */
struct number number_of_bytes(uint64_t value, const struct estimate *e);
struct number number_of_count(uint64_t value, const struct estimate *e);
/*
 * The same of a whole run, T, of which a sample may hold nothing: then VALUE was counted exactly, but
 * there may be more.
 */
struct number number_of_all_bytes(uint64_t value, const struct estimate *e,
				  const struct heap_totals *t);
struct number number_of_all_count(uint64_t value, const struct estimate *e,
				  const struct heap_totals *t);
struct number number_of_peak(const struct heap_totals *t);

/* "1.20MB", or "~1.20MB (1.05MB..1.38MB)". OUT has NUMBER_TEXT_BYTES; returns it. */
const char *number_bytes_text(char *out, const struct number *n);
/* "1200", or "~1200 (1050..1380)". */
const char *number_count_text(char *out, const struct number *n);

/* The members KEY and, of an estimate, KEY_low and KEY_high. */
void number_json(struct emit *j, const char *key, const struct number *n);

#endif
