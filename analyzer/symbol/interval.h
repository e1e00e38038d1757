/* SPDX-License-Identifier: MIT */
/*
 * interval.h - which of many, possibly overlapping, address ranges is in force at an address.
 *
 * Ranges are flattened once into disjoint segments (n log n, whatever the overlaps); a query is one
 * binary search. Used for compilation units, functions with their inlined functions, ELF symbols
 * and JIT maps.
 */
#ifndef SYMBOL_INTERVAL_H
#define SYMBOL_INTERVAL_H

#include <stddef.h>
#include <stdint.h>

#define INTERVAL_NONE UINT32_MAX

struct interval {
	uint64_t lo; /* first address */
	uint64_t hi; /* first address behind; a range with hi <= lo is ignored */
	/* Where ranges overlap the highest is in force, then the later start, then the greater value. */
	uint32_t priority;
	uint32_t value; /* what a query returns; not INTERVAL_NONE */
};

/* A growing list of ranges. Zero-initialise. */
struct interval_list {
	struct interval *items;
	size_t count;
	size_t capacity;
};

struct interval_segment;

/* The flattened form. Zero-initialise: an empty index finds nothing. */
struct interval_index {
	struct interval_segment *segments;
	size_t count;
};

void interval_add(struct interval_list *list, uint64_t lo, uint64_t hi, uint32_t priority,
		  uint32_t value);

/* Replaces INDEX by one over LIST (at most UINT32_MAX - 1 ranges; LIST is reordered). */
void interval_build(struct interval_index *index, struct interval_list *list);

/* The value in force at ADDR, or INTERVAL_NONE. */
uint32_t interval_find(const struct interval_index *index, uint64_t addr);

void interval_list_free(struct interval_list *list);
void interval_free(struct interval_index *index);

#endif
