/* SPDX-License-Identifier: MIT */
/* debts.c - see debts.h. There are few at a time: two threads must share addresses within moments. */
#include "pass/debts.h"

#include <stdlib.h>

#include "util/pool.h"

void debts_free(struct debts *d)
{
	free(d->items);
	map_free(&d->place_of);
	*d = (struct debts){ 0 };
}

static struct debt *find(const struct debts *d, uint64_t addr)
{
	uint64_t *place = d->count ? map_find(&d->place_of, addr) : NULL;

	return place ? &d->items[*place] : NULL;
}

static void drop(struct debts *d, struct debt *debt)
{
	size_t place = (size_t)(debt - d->items);

	map_erase(&d->place_of, debt->addr, NULL);
	*debt = d->items[--d->count];
	if (place < d->count)
		*map_put(&d->place_of, debt->addr, NULL) = place;
}

static void drop_if_none(struct debts *d, struct debt *debt)
{
	if (!debt->open && !debt->is_taken)
		drop(d, debt);
}

void debts_add(struct debts *d, uint64_t addr, uint64_t due_ticks)
{
	struct debt *debt = find(d, addr);

	if (!debt) {
		*map_put(&d->place_of, addr, NULL) = d->count;
		d->items = pool_grow(d->items, &d->capacity, d->count + 1, sizeof(*d->items));
		debt = &d->items[d->count++];
		*debt = (struct debt){ .addr = addr };
	}
	debt->open++;
	if (due_ticks > debt->due_ticks)
		debt->due_ticks = due_ticks;
}

void debts_withdraw(struct debts *d, uint64_t addr)
{
	struct debt *debt = find(d, addr);

	if (debt && debt->open) {
		debt->open--;
		drop_if_none(d, debt);
	}
}

int debts_take(struct debts *d, uint64_t addr)
{
	struct debt *debt = find(d, addr);

	if (!debt || !debt->open || debt->is_taken)
		return 0;
	debt->open--;
	debt->is_taken = 1;
	return 1;
}

int debts_give_back(struct debts *d, uint64_t addr)
{
	struct debt *debt = find(d, addr);

	if (!debt || !debt->is_taken)
		return 0;
	debt->open++;
	debt->is_taken = 0;
	return 1;
}

int debts_settle(struct debts *d, uint64_t addr)
{
	struct debt *debt = find(d, addr);

	if (!debt || !debt->is_taken)
		return 0;
	debt->is_taken = 0;
	drop_if_none(d, debt);
	return 1;
}

int debts_pop(struct debts *d, size_t *at, uint64_t ticks, struct debt *debt)
{
	while (*at > 0) {
		struct debt *last = &d->items[--*at];

		if (last->due_ticks >= ticks)
			continue;
		*debt = *last;
		drop(d, last); /* what comes into its place has been looked at */
		return 1;
	}
	return 0;
}

uint64_t debts_next(const struct debts *d)
{
	uint64_t next = UINT64_MAX;
	size_t i;

	for (i = 0; i < d->count; i++)
		if (d->items[i].due_ticks < next)
			next = d->items[i].due_ticks;
	return next == UINT64_MAX ? next : next + 1;
}
