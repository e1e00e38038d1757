/* SPDX-License-Identifier: MIT */
/*
 * event.h - one recorded event as the tool sees it, whatever layout it had in the file, and the
 * runs in which replay hands events to passes.
 *
 * 32 bytes, the same fields as a row of the format. What differs: a block that begins and ends
 * within one trace block ("local") has no address in the file; its two events name each other by
 * their distance in rows instead.
 */
#ifndef TRACE_EVENT_H
#define TRACE_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "shim_trace.h"
#include "trace/folded.h"

/*
 * Set in struct event.addr: the low 32 bits are the number of events to the partner, see
 * event_partner.
 */
#define EVENT_LOCAL    (UINT64_C(1) << 63)
/* Largest size that an allocation reads as; no address space is larger. */
#define EVENT_SIZE_MAX ((UINT64_C(1) << 48) - 1)

struct event {
	uint64_t ticks; /* never smaller than the one before it in the same thread */
	uint64_t addr;  /* address (bit 63 clear), or EVENT_LOCAL | distance */
	/* bytes asked for; free, realloc-fail: 0; brk: change in two's complement */
	uint64_t size;
	/* local to the process; SHIM_STACK_NONE when none was taken. May be undefined: check */
	uint32_t stack;
	uint8_t op;   /* enum shim_op, 1 … SHIM_OP_COUNT - 1 */
	uint8_t func; /* enum shim_func, any byte */
	uint16_t extra;
};

static inline int event_is_local(const struct event *e)
{
	return (int)(e->addr >> 63);
}

/* 1 for op alloc and realloc-alloc: a block came alive. */
static inline int event_is_alloc(const struct event *e)
{
	return e->op == SHIM_OP_ALLOC || e->op == SHIM_OP_REALLOC_ALLOC;
}

/*
 * The other half of a local pair: for the end its allocation, for the allocation its end. Valid as
 * long as E is, for E within the array it was decoded into (both are in one array, the allocation
 * first).
 */
static inline const struct event *event_partner(const struct event *e)
{
	uint32_t distance = (uint32_t)e->addr;

	return event_is_alloc(e) ? e + distance : e - distance;
}

/* The address as a report or dump shows it: 0 for local events, as in the specification. */
static inline uint64_t event_addr(const struct event *e)
{
	return event_is_local(e) ? 0 : e->addr;
}

/* Events of one thread that come next in the order of all threads. */
struct event_batch {
	const struct event *events;
	size_t count;
	/*
	 * further events behind the last that are readable (same thread, later in order): for
	 * prefetching
	 */
	size_t ahead;
	uint32_t thread; /* the writer's thread index */
	uint32_t slot;   /* 0 … thread_count - 1: dense, in ascending order of the thread index */
	/* 0, or: its allocations are a Poisson sample with this mean distance in bytes */
	uint64_t sample_bytes;
};

/* The folded blocks of one block of events, told when it begins and again at its crest. */
struct event_folded {
	const struct folded *folded;
	uint64_t begin_ticks, end_ticks; /* of the block: folded ones lived in between */
	uint64_t sample_bytes;           /* as of a batch */
	uint32_t slot;
	int is_crest;
	int has_older_ends; /* rows end blocks that the crest knows nothing of: it may lie elsewhere */
};

/* "alloc", "free" …; "unknown" for a number that this version does not have. */
const char *event_op_name(unsigned op);
/* "malloc", "operator new[]" …; "unknown". */
const char *event_func_name(unsigned func);

#endif
