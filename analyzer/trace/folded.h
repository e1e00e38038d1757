/* SPDX-License-Identifier: MIT */
/*
 * folded.h - the short-lived blocks of one block of events that have no rows: counted by kind
 * (docs/trace-format.md, 2.4). The bounds of the format are kept here, so that whoever multiplies
 * and adds these numbers need not look.
 */
#ifndef TRACE_FOLDED_H
#define TRACE_FOLDED_H

#include <stddef.h>
#include <stdint.h>

#include "trace/cursor.h"

/* Blocks of one kind: allocated by one function and stack with one size, ended by one function. */
struct folded_kind {
	uint64_t size;
	uint64_t count;     /* at least 1 */
	uint64_t temporary; /* of them: ended before the thread's next allocation */
	uint64_t live;      /* of them: alive at the crest */
	uint32_t stack;
	uint16_t extra, end_extra;
	uint8_t func, end_func;
};

struct folded {
	struct folded_kind *kinds;
	size_t count;
	uint64_t pairs;      /* sum of the counts */
	uint64_t most_bytes; /* most that they had alive at one time; 0: the writer does not say */
	uint32_t crest;      /* so many rows lie before it */
	size_t capacity;     /* private */
};

/*
 * Reads column 7 from C into F, whose memory is used again. ROWS: of the block. Returns 0, or -1
 * when something in it is impossible.
 */
int folded_read(struct folded *f, struct cursor *c, uint32_t rows);
/* F holds nothing. Its memory stays. */
void folded_clear(struct folded *f);
void folded_free(struct folded *f);

#endif
