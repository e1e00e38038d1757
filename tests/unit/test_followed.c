/* SPDX-License-Identifier: MIT */
/* test_followed.c - the followed and the skipped blocks: against a plain model, and with many threads at once. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "followed.h"
#include "skipped.h"

#define BLOCKS  20000
#define STEPS   400000
#define THREADS 4

struct book {
	int (*add)(uintptr_t addr);
	int (*remove)(uintptr_t addr);
};

static const struct book books[] = { { followed_add, followed_remove },
				     { skipped_add, skipped_remove } };

/*
 * Addresses as allocators give them: near each other, in a few regions far apart; the closest are
 * those of jemalloc's smallest blocks, and closer still what a program tells by shim_alloc.
 */
static uintptr_t address(unsigned i)
{
	static const uintptr_t regions[] = { 0x555555000000, 0x7f0012340000, 0xfffffff00000 / 2,
					     0x10 };
	static const uintptr_t steps[] = { 48, 8, 1, 16 };

	return regions[i % 4] + (uintptr_t)(i / 4) * steps[i % 4];
}

static void agrees_with_a_model(void **state)
{
	static uint8_t is_in[BLOCKS];
	unsigned b, i, seed = 1;

	(void)state;
	for (b = 0; b < 2; b++) {
		for (i = 0; i < BLOCKS; i++)
			is_in[i] = 0;
		for (i = 0; i < STEPS; i++) {
			unsigned n = (seed = seed * 1103515245 + 12345) >> 8;
			unsigned block = n % BLOCKS;

			if (n >> 16 & 1) {
				assert_int_equal(books[b].remove(address(block)), is_in[block]);
				is_in[block] = 0;
			} else {
				assert_int_equal(books[b].add(address(block)), 0);
				is_in[block] = 1;
			}
		}
		for (i = 0; i < BLOCKS; i++)
			assert_int_equal(books[b].remove(address(i)), is_in[i]);
		for (i = 0; i < BLOCKS; i++)
			assert_int_equal(books[b].remove(address(i)), 0);
	}
}

/* Every thread has blocks of its own, among those of the others; what it put in it finds, always. */
static void *own_blocks(void *argument)
{
	const unsigned me = (unsigned)(uintptr_t)argument % THREADS;
	const struct book *book = &books[(uintptr_t)argument / THREADS];
	unsigned round, i;

	for (round = 0; round < 30; round++) {
		for (i = me; i < BLOCKS; i += THREADS)
			if (book->add(address(i)))
				return "no memory";
		for (i = me; i < BLOCKS; i += THREADS) {
			if (book->remove(address(i)) != 1)
				return "lost";
			if (book->remove(address(i)) != 0)
				return "twice";
		}
	}
	return NULL;
}

static void threads_find_what_is_theirs(void **state)
{
	pthread_t threads[THREADS];
	uintptr_t b, i;

	(void)state;
	for (b = 0; b < 2; b++) {
		for (i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, own_blocks, (void *)(b * THREADS + i));
		for (i = 0; i < THREADS; i++) {
			void *wrong;

			pthread_join(threads[i], &wrong);
			assert_null(wrong);
		}
	}
}

static int start(void **state)
{
	(void)state;
	return followed_start() || skipped_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_a_model),
		cmocka_unit_test(threads_find_what_is_theirs),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
