/* SPDX-License-Identifier: MIT */
/*
 * test_loader.c - what the loader tells without its lock is what dl_iterate_phdr tells with it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader.h"

/* Is there an object like WANTED? */
struct match {
	const struct dso *wanted;
	int is_there;
};

static int match_listed(struct dl_phdr_info *info, size_t size, void *context)
{
	struct match *match = context;

	(void)size;
	if (info->dlpi_addr == match->wanted->bias && info->dlpi_phdr == match->wanted->phdr &&
	    info->dlpi_phnum == match->wanted->phdr_count &&
	    strcmp(info->dlpi_name, match->wanted->name) == 0)
		match->is_there = 1;
	return match->is_there;
}

static int is_listed(const struct dso *dso)
{
	struct match match = { dso, 0 };

	dl_iterate_phdr(match_listed, &match);
	return match.is_there;
}

static int count_listed(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)info;
	(void)size;
	++*(unsigned *)context;
	return 0;
}

static void look_at(const struct dso *dso, void *context)
{
	assert_true(is_listed(dso));
	++*(unsigned *)context;
}

static void the_walk_meets_what_is_listed(void **state)
{
	unsigned listed = 0, walked = 0;

	(void)state;
	dl_iterate_phdr(count_listed, &listed);
	loader_walk(look_at, &walked);
	assert_true(listed >= 4); /* program, vdso, cmocka, libc, ld.so */
	assert_int_equal(walked, listed);
}

static void code_is_found_in_its_object(void **state)
{
	struct dso dso;
	int local;
	int rc = loader_find((uintptr_t)(void *)qsort, &dso);

	(void)state;
#if !__GLIBC_PREREQ(2, 35)
	assert_int_equal(rc, -ENOSYS);
	return;
#endif
	assert_int_equal(rc, 0);
	assert_true(dso_holds(&dso, (uintptr_t)(void *)qsort));
	assert_true(is_listed(&dso));
	assert_int_equal(loader_find((uintptr_t)(void *)look_at, &dso), 0);
	assert_true(dso_holds(&dso, (uintptr_t)(void *)look_at));
	assert_true(is_listed(&dso));
	assert_int_equal(loader_find((uintptr_t)&local, &dso), -ENOENT);
	assert_int_equal(loader_find(1, &dso), -ENOENT);
}

static void before_the_start_nothing_is_known(void **state)
{
	struct dso dso;

	(void)state;
	assert_int_equal(loader_find((uintptr_t)(void *)qsort, &dso), -ENOSYS);
	loader_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_the_start_nothing_is_known),
		cmocka_unit_test(code_is_found_in_its_object),
		cmocka_unit_test(the_walk_meets_what_is_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
