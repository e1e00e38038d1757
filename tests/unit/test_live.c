/* SPDX-License-Identifier: MIT */
/*
 * test_live.c - the table of live blocks against a plain array, under insertion and removal in any
 * order.
 */
#include "../gen/trace_fixture.h"

#include "pass/live.h"

#define PLACES 4096

static void table_agrees_with_an_array(void **state)
{
	static uint64_t sizes[PLACES]; /* by place, 0: not there */
	struct live live = { 0 };
	uint64_t random = 99;
	size_t count = 0, i;

	(void)state;
	memset(sizes, 0, sizeof(sizes));
	for (i = 0; i < 300000; i++) {
		uint64_t place, addr;
		struct live_block *b;

		random = random * 6364136223846793005u + 1442695040888963407u;
		place = (random >> 40) % (i < 150000 ? PLACES : 64);
		addr = place * 16; /* address 0 among them */
		b = live_find(&live, addr);
		assert_int_equal(b != NULL, sizes[place] != 0);
		if (b) {
			assert_int_equal(live_load(b).size, sizes[place]);
			assert_int_equal(live_load(b).site, place);
			assert_int_equal(live_addr(b), addr);
			live_erase(&live, b);
			sizes[place] = 0;
			count--;
		} else {
			struct live_facts facts = { .size = (random & 0xffff) + 1,
						    .ticks = i,
						    .site = (uint32_t)place,
						    .slot = 7,
						    .func = 0xee,
						    .flags = LIVE_IGNORED };
			int is_new;

			live_store(live_put(&live, addr, &is_new), &facts);
			assert_int_equal(is_new, 1);
			sizes[place] = facts.size;
			count++;
		}
		assert_int_equal(live.count, count);
	}
	live_free(&live);
}

static void facts_survive_packing(void **state)
{
	struct live_facts in = { .size = (UINT64_C(1) << 48) - 1,
				 .ticks = UINT64_MAX,
				 .site = UINT32_MAX,
				 .slot = UINT32_MAX,
				 .func = 0xff,
				 .flags = 0xff };
	struct live_block b = { 0 };
	struct live_facts out;

	(void)state;
	live_store(&b, &in);
	out = live_load(&b);
	assert_int_equal(out.size, in.size);
	assert_int_equal(out.ticks, in.ticks);
	assert_int_equal(out.site, in.site);
	assert_int_equal(out.slot, in.slot);
	assert_int_equal(out.func, in.func);
	assert_int_equal(out.flags, in.flags);
	assert_int_equal(sizeof(b), 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_agrees_with_an_array),
		cmocka_unit_test(facts_survive_packing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
