/* SPDX-License-Identifier: MIT */
/*
 * test_real.c - the table of next definitions: filled by the first call, all at once, also when the
 * loader allocates meanwhile.
 *
 * The program's own dlsym stands before libc's, so that it can allocate in the middle of the
 * filling, as glibc's does for the text of an error.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "real.h"

/* What fails on purpose here is not to end the test. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static int is_armed;
static int looked_up;
static char *kept; /* allocated while the table was being filled, freed long after */

static void *libc_dlsym(void *handle, const char *name)
{
	static void *(*next)(void *, const char *);

	if (!next)
		*(void **)&next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.34");
	if (!next)
		*(void **)&next = dlvsym(RTLD_NEXT, "dlsym", "GLIBC_2.2.5");
	return next(handle, name);
}

static void allocate_meanwhile(void)
{
	char *p = real.calloc(7, 9);
	size_t i;

	assert_non_null(p);
	for (i = 0; i < 63; i++)
		assert_int_equal(p[i], 0);
	memset(p, 'x', 63);
	kept = real.realloc(p, 300);
	assert_non_null(kept);
	assert_int_equal(kept[62], 'x');
	assert_true(real_is_bootstrap(kept));
	assert_int_equal((uintptr_t)real.memalign(64, 10) % 64, 0);
	real.free(real.malloc(1));
	real.free(NULL);
	assert_null(real.malloc(1 << 20));
	assert_null(real.calloc(SIZE_MAX / 2, 3));
}

void *dlsym(void *handle, const char *name);

void *dlsym(void *handle, const char *name)
{
	if (is_armed && looked_up++ == 3)
		allocate_meanwhile();
	return libc_dlsym(handle, name);
}

static void test_first_call_fills_everything(void **state)
{
	void *const *entries = (void *const *)&real;
	void *stub = entries[0], *p;
	size_t i, j;

	(void)state;
	is_armed = 1;
	errno = 77;
	p = real.malloc(10);
	is_armed = 0;
	assert_int_equal(errno, 77);
	assert_non_null(p);
	assert_false(real_is_bootstrap(p));
	assert_ptr_not_equal(entries[0], stub);
	assert_ptr_equal(real.malloc, libc_dlsym(RTLD_DEFAULT, "malloc"));
	assert_ptr_equal(real.fork, libc_dlsym(RTLD_DEFAULT, "fork"));
	/*
	 * no stub is left: stubs lie in this program, definitions do not, except for what libc
	 * lacks
	 */
	for (i = j = 0; i < sizeof(real) / sizeof(*entries); i++) {
		assert_non_null(entries[i]);
		j += entries[i] == stub;
	}
	assert_int_equal(j, 0);
	assert_null(dlerror());
	free(p);
}

static void test_block_of_the_arena_outlives_the_filling(void **state)
{
	char *moved;

	(void)state;
	assert_true(real.malloc_usable_size(kept) >= 300);
	moved = real.realloc(kept, 1000);
	assert_non_null(moved);
	assert_false(real_is_bootstrap(moved));
	assert_int_equal(moved[62], 'x');
	moved = real.reallocarray(moved, 20, 100);
	assert_non_null(moved);
	real.free(moved);
	real.free(kept); /* again would be an error of the program; of the arena it is none */
	real.cfree(real.malloc(3));
}

static void test_what_libc_lacks_works_all_the_same(void **state)
{
	void *p = real.malloc(32);

	(void)state;
	real.free_sized(real.malloc(10), 10);
	real.free_aligned_sized(real.aligned_alloc(64, 128), 64, 128);
	errno = 0;
	assert_null(real.reallocarray(p, SIZE_MAX / 2, 3));
	assert_int_equal(errno, ENOMEM);
	real.free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_call_fills_everything),
		cmocka_unit_test(test_block_of_the_arena_outlives_the_filling),
		cmocka_unit_test(test_what_libc_lacks_works_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
