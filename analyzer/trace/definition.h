/* SPDX-License-Identifier: MIT */
/*
 * definition.h - the records of a block of definitions, one by one, as the format has them.
 * Texts point into the block; they are not terminated. Nothing here allocates.
 */
#ifndef TRACE_DEFINITION_H
#define TRACE_DEFINITION_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"
#include "trace/block.h"

struct definition_text {
	const char *bytes;
	size_t length;
};

struct definition_segment {
	uint64_t vaddr, size, flags; /* flags: 1 execute, 2 write, 4 read */
};

struct definition {
	/* enum shim_def, or a number that this version does not know (only length is set then) */
	unsigned type;
	size_t offset;  /* of the record within the block's payload */
	size_t length;  /* of its body */
	uint64_t ticks; /* all but stack */
	uint64_t id;    /* stack id, module id, thread index (thread *, mark); step: sample bytes */
	uint64_t parent; /* stack: parent id; thread start: index of the creating thread */
	uint64_t pc;     /* stack */
	int exact;       /* stack: pc is not a return address */
	uint64_t bias;   /* module load */
	/* thread start: tid; clock: mono ns; note: level; process: what; recording: 0 or 1; step */
	uint64_t value;
	/* thread start: stack of its creation; process: pid; step: size of the trace */
	uint64_t extra;
	struct definition_text text;            /* path, name, note, mark */
	struct definition_text build_id;        /* module load: raw bytes */
	uint64_t segment_count;                 /* module load; read them with definition_segment */
	const uint8_t *segments, *segments_end; /* private */
};

/* Position in a block's records. Start with definition_begin. */
struct definition_cursor {
	const uint8_t *start, *at, *end;
	uint64_t last_id, last_pc;
	uint64_t bad; /* records whose body made no sense; they were left out */
};

void definition_begin(struct definition_cursor *c, const struct block *b);

/*
 * The next record in *DEF. Returns 1, 0 at the end, or -1 when the rest cannot be read (a length
 * that leaves the block). Records with a senseless body are counted in c->bad and passed over; a
 * chain of stack deltas stays right as far as their bodies could be read.
 */
int definition_next(struct definition_cursor *c, struct definition *def);

/*
 * The next segment of module load DEF: returns 1 with *SEGMENT, or 0 behind the last. Consumes:
 * call on a copy to re-read.
 */
int definition_next_segment(struct definition *def, struct definition_segment *segment);

#endif
