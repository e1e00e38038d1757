/* SPDX-License-Identifier: MIT */
/*
 * map.h - hash map from a 64-bit key to a 64-bit value, open addressing with linear probing and backward-shift
 * deletion: no tombstones, so a table under constant insert and erase (live blocks by address) stays as fast as it began.
 */
#ifndef UTIL_MAP_H
#define UTIL_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map_entry {
	uint64_t key;
	uint64_t value;
};

/* Zero-initialise before use. Key 0 is an ordinary key. Fields are private. */
struct map {
	struct map_entry *entries;
	size_t mask;  /* capacity - 1, or 0 before the first insert */
	size_t count; /* entries in the table, the zero key not counted */
	uint64_t zero_value;
	int has_zero;
};

void map_free(struct map *m);
size_t map_count(const struct map *m);

/* The value stored for KEY, or NULL. Valid until the next insert or erase. */
uint64_t *map_find(const struct map *m, uint64_t key);

/* The slot for KEY, made with value 0 if it was absent (*IS_NEW, may be NULL, tells). Valid until the next insert or erase. */
uint64_t *map_put(struct map *m, uint64_t key, int *is_new);

/* Removes KEY. Returns 1 and stores its value in *VALUE (may be NULL), or 0 when it was absent. */
int map_erase(struct map *m, uint64_t key, uint64_t *value);

/*
 * Iterates in table order (not stable across runs of different history: sort before printing).
 * Start with *POSITION = 0; returns 0 at the end, else 1 with *ENTRY filled.
 */
int map_next(const struct map *m, size_t *position, struct map_entry *entry);

#endif
