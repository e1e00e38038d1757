/* SPDX-License-Identifier: MIT */
/* map.c - see map.h. Key 0 marks an empty slot in the table and is itself kept beside it. */
#include "util/map.h"

#include <stdlib.h>

#include "util/pool.h"

#define MAP_FIRST_SLOTS 64

/* Fibonacci hashing: multiply by 2^64 / golden ratio and take the high bits, folded so that small tables use them too. */
static size_t slot_of(const struct map *m, uint64_t key)
{
	uint64_t hash = key * UINT64_C(0x9E3779B97F4A7C15);

	return (size_t)(hash ^ (hash >> 32)) & m->mask;
}

void map_free(struct map *m)
{
	free(m->entries);
	*m = (struct map){ 0 };
}

size_t map_count(const struct map *m)
{
	return m->count + (m->has_zero ? 1 : 0);
}

uint64_t *map_find(const struct map *m, uint64_t key)
{
	size_t i;

	if (key == 0)
		return m->has_zero ? (uint64_t *)&m->zero_value : NULL;
	if (!m->entries)
		return NULL;
	for (i = slot_of(m, key); m->entries[i].key; i = (i + 1) & m->mask)
		if (m->entries[i].key == key)
			return &m->entries[i].value;
	return NULL;
}

static void map_resize(struct map *m)
{
	struct map_entry *old = m->entries;
	size_t old_slots = old ? m->mask + 1 : 0;
	size_t slots = old_slots ? old_slots * 2 : MAP_FIRST_SLOTS;
	size_t i, j;

	m->entries = xcalloc(slots, sizeof(*m->entries));
	m->mask = slots - 1;
	for (i = 0; i < old_slots; i++) {
		if (!old[i].key)
			continue;
		for (j = slot_of(m, old[i].key); m->entries[j].key; j = (j + 1) & m->mask)
			;
		m->entries[j] = old[i];
	}
	free(old);
}

uint64_t *map_put(struct map *m, uint64_t key, int *is_new)
{
	size_t i;

	if (is_new)
		*is_new = 0;
	if (key == 0) {
		if (!m->has_zero && is_new)
			*is_new = 1;
		if (!m->has_zero)
			m->zero_value = 0;
		m->has_zero = 1;
		return &m->zero_value;
	}
	if (!m->entries || (m->count + 1) * 8 > (m->mask + 1) * 5)
		map_resize(m);
	for (i = slot_of(m, key); m->entries[i].key; i = (i + 1) & m->mask)
		if (m->entries[i].key == key)
			return &m->entries[i].value;
	m->entries[i].key = key;
	m->entries[i].value = 0;
	m->count++;
	if (is_new)
		*is_new = 1;
	return &m->entries[i].value;
}

int map_erase(struct map *m, uint64_t key, uint64_t *value)
{
	uint64_t *found = map_find(m, key);
	size_t hole, i;

	if (!found)
		return 0;
	if (value)
		*value = *found;
	if (key == 0) {
		m->has_zero = 0;
		return 1;
	}
	/* Shift followers back over the hole as long as their home slot does not lie behind it. */
	hole = (size_t)((struct map_entry *)((char *)found - offsetof(struct map_entry, value)) -
			m->entries);
	for (i = (hole + 1) & m->mask; m->entries[i].key; i = (i + 1) & m->mask) {
		size_t home = slot_of(m, m->entries[i].key);

		if (((i - home) & m->mask) >= ((i - hole) & m->mask)) {
			m->entries[hole] = m->entries[i];
			hole = i;
		}
	}
	m->entries[hole].key = 0;
	m->count--;
	return 1;
}

int map_next(const struct map *m, size_t *position, struct map_entry *entry)
{
	size_t slots = m->entries ? m->mask + 1 : 0;

	while (*position < slots) {
		const struct map_entry *e = &m->entries[(*position)++];

		if (e->key) {
			*entry = *e;
			return 1;
		}
	}
	if (*position == slots && m->has_zero) {
		(*position)++;
		*entry = (struct map_entry){ 0, m->zero_value };
		return 1;
	}
	return 0;
}
