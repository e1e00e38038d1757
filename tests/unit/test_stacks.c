/* SPDX-License-Identifier: MIT */
/* test_stacks.c - the tree of stacks: same path same id, many children, many threads, a new start after an unload. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "config.h"
#include "defs.h"
#include "press.h"
#include "sink.h"
#include "spool.h"
#include "stacks.h"

#define FAN     3000
#define THREADS 8

static char folder[] = "/tmp/shim-stacks-XXXXXX";

static uint32_t path_of(const uintptr_t *pcs, unsigned count)
{
	uint32_t id = SHIM_STACK_NONE;
	unsigned i;

	for (i = 0; i < count; i++)
		id = stacks_node(id, pcs[i]);
	return id;
}

static void same_path_same_id(void **state)
{
	const uintptr_t one[] = { 0x1000, 0x2000, 0x3000 }, other[] = { 0x1000, 0x2000, 0x3001 };

	(void)state;
	assert_int_equal(path_of(one, 3), path_of(one, 3));
	assert_int_not_equal(path_of(one, 3), path_of(other, 3));
	assert_true(path_of(other, 3) > path_of(other, 2));
}

static void a_cut_stack_is_another_one(void **state)
{
	(void)state;
	assert_int_not_equal(stacks_node(SHIM_STACK_NONE, 0x77),
			     stacks_node(SHIM_STACK_TRUNCATED, 0x77));
}

/* More children than the list of a node holds go to the hash, which grows on the way. */
static void thousands_of_children_are_found_again(void **state)
{
	static uint32_t ids[FAN];
	uint32_t parent = stacks_node(SHIM_STACK_NONE, 0xabc), before, i;

	(void)state;
	for (i = 0; i < FAN; i++)
		ids[i] = stacks_node(parent, 0x10000 + i * 16);
	before = stacks_count();
	for (i = 0; i < FAN; i++)
		assert_int_equal(stacks_node(parent, 0x10000 + i * 16), ids[i]);
	assert_int_equal(stacks_count(), before);
}

static void *fill(void *out)
{
	uint32_t *ids = out, parent = stacks_node(SHIM_STACK_NONE, 0xdead), i;

	for (i = 0; i < FAN; i++)
		ids[i] = stacks_node(stacks_node(parent, 0x500000 + (i % 40) * 8), 0x600000 + i);
	return NULL;
}

static void threads_agree(void **state)
{
	static uint32_t ids[THREADS][FAN];
	pthread_t threads[THREADS];
	unsigned i, j;

	(void)state;
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, fill, ids[i]), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 1; i < THREADS; i++)
		for (j = 0; j < FAN; j++)
			assert_int_equal(ids[i][j], ids[0][j]);
}

static void after_an_unload_ids_are_new(void **state)
{
	const uintptr_t path[] = { 0x1000, 0x2000 };
	uint32_t before = path_of(path, 2), generation = stacks_generation();

	(void)state;
	stacks_forget();
	assert_int_not_equal(stacks_generation(), generation);
	assert_true(path_of(path, 2) > before);
	assert_int_equal(path_of(path, 2), path_of(path, 2));
}

static int start(void **state)
{
	static char pattern[256];
	char *environment[] = { pattern, NULL };

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(pattern, sizeof(pattern), "SHIM_OUTPUT=%s/t.zst", folder);
	config_read(environment);
	clock_start();
	if (press_start() || sink_start() || spool_start(sink_path(), sink_run_id()) || defs_start())
		return -1;
	return stacks_start();
}

static int stop(void **state)
{
	char command[128];

	(void)state;
	sink_finish("exit");
	snprintf(command, sizeof(command), "zstd -tq %s/t.zst && rm -r %s", folder, folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_path_same_id),
		cmocka_unit_test(a_cut_stack_is_another_one),
		cmocka_unit_test(thousands_of_children_are_found_again),
		cmocka_unit_test(threads_agree),
		cmocka_unit_test(after_an_unload_ids_are_new),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
