/* SPDX-License-Identifier: MIT */
/*
 * slots.c - see slots.h. Runs in our constructors and after a dlopen. A slot changes by one store,
 * and the next definition is in place before.
 */
#define _GNU_SOURCE
#include "slots.h"

#include <link.h>

#include "dso.h"

#define DOORS_MAX 8

struct turn {
	const struct slot_door *doors;
	size_t count;
};

static int find_provider(struct dl_phdr_info *info, size_t size, void *context)
{
	const struct turn *turn = context;
	void *found[DOORS_MAX];
	struct dso dso;
	size_t i;

	(void)size;
	if (dso_open(&dso, info) != 0)
		return 0;
	for (i = 0; i < turn->count; i++) {
		found[i] = dso_find(&dso, turn->doors[i].name);
		if (!found[i])
			return 0;
	}
	for (i = 0; i < turn->count; i++)
		__atomic_store_n(turn->doors[i].next, found[i], __ATOMIC_RELEASE);
	return 1;
}

static int turn_object(struct dl_phdr_info *info, size_t size, void *context)
{
	const struct turn *turn = context;
	struct dso dso;
	size_t i;

	(void)size;
	if (dso_open(&dso, info) != 0 || dso_holds(&dso, (uintptr_t)*turn->doors[0].next))
		return 0;
	for (i = 0; i < turn->count; i++)
		dso_redirect(&dso, turn->doors[i].name, turn->doors[i].hook);
	return 0;
}

void slots_turn(const struct slot_door *doors, size_t count)
{
	struct turn turn = { doors, count };

	if (count <= DOORS_MAX && dl_iterate_phdr(find_provider, &turn))
		dl_iterate_phdr(turn_object, &turn);
}
