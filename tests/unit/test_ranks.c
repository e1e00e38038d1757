/* SPDX-License-Identifier: MIT */
/* test_ranks.c - members are named by how many are above, as in a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "trace/ranks.h"

#define NUMBERS 20000

static uint32_t seed = 7;

static uint32_t pick(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % below;
}

/* A list from which the member RANK places before the end is taken. */
static void as_in_a_list(struct ranks *r, unsigned adds_in_ten, size_t deepest)
{
	static size_t list[NUMBERS];
	size_t count = 0, next = 0, rank, number;

	ranks_begin(r, NUMBERS);
	while (next < NUMBERS || count) {
		if (next < NUMBERS && (!count || pick(10) < adds_in_ten)) {
			assert_true(ranks_add(r) == next);
			list[count++] = next++;
		} else {
			rank = pick((uint32_t)(count < deepest ? count : deepest));
			if (pick(4) == 0)
				rank = count - 1; /* the oldest */
			number = list[count - 1 - rank];
			memmove(&list[count - 1 - rank], &list[count - rank], rank * sizeof(*list));
			count--;
			assert_true(ranks_take(r, rank) == number);
		}
		assert_true(r->count == count);
	}
}

static void ranks_are_places_in_a_list(void **state)
{
	struct ranks r = { 0 };

	(void)state;
	as_in_a_list(&r, 5, 3);
	as_in_a_list(&r, 9, NUMBERS);
	as_in_a_list(&r, 6, 500);
	ranks_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ranks_are_places_in_a_list) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
