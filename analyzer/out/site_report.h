/* SPDX-License-Identifier: MIT */
/*
 * site_report.h - allocation sites by one cost: the four sections that heaptrack's users know, and
 * the same as JSON.
 *
 * The text groups stacks by the function that called the allocator and shows the largest stacks of
 * each; JSON has the stacks themselves. What is not shown is summed up, never silently dropped.
 */
#ifndef OUT_SITE_REPORT_H
#define OUT_SITE_REPORT_H

#include "out/emit.h"
#include "out/names.h"
#include "pass/heap.h"
#include "util/buf.h"

struct site_report {
	const struct heap_site *sites; /* largest cost first */
	size_t count;
	enum heap_order order; /* the cost */
	const struct heap_totals *totals;
	size_t site_limit, stack_limit; /* SIZE_MAX: all */
	size_t frame_limit;             /* of each stack in text; 0: all */
};

/* What ORDER counts of SITE: bytes, or calls for HEAP_BY_ALLOCATIONS and HEAP_BY_TEMPORARY. */
uint64_t site_report_cost(const struct heap_site *site, enum heap_order order);

/* "PEAK MEMORY CONSUMERS" …, in heaptrack's words. */
const char *site_report_title(enum heap_order order);

/* Appends the section with its title. */
void site_report_text(const struct site_report *r, struct names *names, struct buf *out, int color);

/*
 * Looks up the names of the sites that site_report_json will write, so that their share is known
 * before.
 */
void site_report_resolve(const struct site_report *r, struct names *names);

/* Writes the members `sites` and, when the limit left some out, `more`. */
void site_report_json(const struct site_report *r, struct names *names, struct emit *j);

#endif
