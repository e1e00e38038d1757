/* SPDX-License-Identifier: MIT */
/*
 * test_real.c - the table of next definitions: filled by the first call, all at once, with what the
 * program would have called, down to the version of the symbol.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "real.h"

/* What fails on purpose here is not to end the test. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

#define ENTRIES (sizeof(struct real) / sizeof(void *))

static const char *const names[] = {
#define HOOK(name, result, parameters, arguments) #name,
#include "hooks.def"
};

static void test_first_call_fills_everything(void **state)
{
	void *const *entries = (void *const *)&real;
	void *stubs[ENTRIES], *p;
	unsigned compared = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ENTRIES; i++)
		stubs[i] = entries[i];
	dlerror();
	errno = 77;
	p = real.malloc(10);
	assert_int_equal(errno, 77);
	assert_null(dlerror());
	assert_non_null(p);
	real.free(p);
	for (i = 0; i < ENTRIES; i++) {
		/* the default version, where there is one: an old posix_spawn behaves differently */
		void *next = dlsym(RTLD_DEFAULT, names[i]);

		assert_non_null(entries[i]);
		assert_ptr_not_equal(entries[i], stubs[i]);
		if (next)
			assert_ptr_equal(entries[i], next);
		compared += next != NULL;
	}
	assert_true(compared > ENTRIES - 5);
}

static void test_look_again_changes_nothing(void **state)
{
	struct real before = real;

	(void)state;
	real_loaded();
	real_fill();
	assert_memory_equal(&before, &real, sizeof(real));
}

static void test_what_libc_lacks_works_all_the_same(void **state)
{
	void *p = real.malloc(32);

	(void)state;
	real.cfree(real.malloc(3));
	errno = 0;
	assert_null(real.reallocarray(p, SIZE_MAX / 2, 3));
	assert_int_equal(errno, ENOMEM);
	real.free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_call_fills_everything),
		cmocka_unit_test(test_look_again_changes_nothing),
		cmocka_unit_test(test_what_libc_lacks_works_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
