/* SPDX-License-Identifier: MIT */
/*
 * test_dso.c - reading loaded objects where they lie: what dlsym, dladdr and the linker say, dso.c
 * says too.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "dso.h"

struct found {
	uintptr_t address;
	struct dso dso;
	int count;
};

static int match(struct dl_phdr_info *info, size_t size, void *context)
{
	struct found *found = context;
	struct dso dso;

	(void)size;
	assert_int_equal(dso_open(&dso, info), 0);
	if (dso_holds(&dso, found->address)) {
		found->dso = dso;
		found->count++;
	}
	return 0;
}

static struct dso object_of(const void *address)
{
	struct found found = { .address = (uintptr_t)address };

	dl_iterate_phdr(match, &found);
	assert_int_equal(found.count, 1);
	return found.dso;
}

/* Its own qsort: under a sanitizer the first one in the process is another's. */
static struct dso libc_object(void **handle)
{
	*handle = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	assert_non_null(*handle);
	return object_of(dlsym(*handle, "qsort"));
}

static void test_finds_what_dlsym_finds(void **state)
{
	static const char *const names[] = { "malloc", "free",        "qsort",      "getenv",
					     "fork",   "environ_not", "printf_not", "" };
	void *handle;
	struct dso libc = libc_object(&handle);
	size_t i;

	(void)state;
	assert_non_null(strstr(libc.name, "libc"));
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_ptr_equal(dso_find(&libc, names[i]), dlsym(handle, names[i]));
	dlclose(handle);
}

/* Found by DT_HASH alone, as in objects linked with --hash-style=sysv. */
static void test_reads_the_old_hash_table(void **state)
{
	void *handle;
	struct dso libc = libc_object(&handle);

	(void)state;
	if (!libc.hash)
		skip();
	libc.gnu_hash = NULL;
	assert_ptr_equal(dso_find(&libc, "posix_spawn"), dlsym(handle, "posix_spawn"));
	assert_null(dso_find(&libc, "posix_spawn_not"));
	libc.hash = NULL;
	assert_null(dso_find(&libc, "posix_spawn"));
	dlclose(handle);
}

static void test_version_for_old_programs_is_second_choice(void **state)
{
	void *handle;
	struct dso libc = libc_object(&handle);
	void *old = dlvsym(handle, "cfree", "GLIBC_2.2.5");

	(void)state;
	assert_ptr_not_equal(dlvsym(handle, "posix_spawn", "GLIBC_2.2.5"),
			     dlsym(handle, "posix_spawn"));
	assert_ptr_equal(dso_find(&libc, "posix_spawn"), dlsym(handle, "posix_spawn"));
	assert_null(dlsym(handle, "cfree"));
	assert_ptr_equal(dso_find(&libc, "cfree"), old);
	dlclose(handle);
}

static void test_data_is_not_a_function(void **state)
{
	void *handle;
	struct dso libc = libc_object(&handle);

	(void)state;
	assert_non_null(dlsym(handle, "stdout"));
	assert_null(dso_find(&libc, "stdout"));
	dlclose(handle);
}

static void test_vdso_is_read_unrelocated(void **state)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR);
	struct dso vdso;
	uintptr_t found;

	(void)state;
	if (!base)
		skip();
	vdso = object_of((const void *)base);
	found = (uintptr_t)dso_find(&vdso, "__vdso_clock_gettime");
	assert_true(dso_holds(&vdso, found));
}

static void test_build_id_is_the_files(void **state)
{
	const uint8_t *id = NULL;
	void *handle;
	struct dso libc = libc_object(&handle);
	size_t bytes = dso_build_id(&libc, &id), at, n;
	char *file = malloc(16 << 20);
	FILE *in = fopen(libc.name, "rb");

	(void)state;
	assert_int_equal(bytes, 20);
	assert_non_null(in);
	n = fread(file, 1, 16 << 20, in);
	fclose(in);
	for (at = 0; at + bytes < n && memcmp(file + at, id, bytes) != 0; at++)
		;
	assert_true(at + bytes < n);
	assert_memory_equal(file + at - 16, "\4\0\0\0\24\0\0\0\3\0\0\0GNU", 16);
	free(file);
	dlclose(handle);
}

static int no_access(const char *path, int mode)
{
	(void)path;
	return mode == F_OK ? 123 : 0;
}

/* Full RELRO or not: the page is as writable afterwards as it was. */
static void test_redirects_calls_of_one_object(void **state)
{
	struct dso self = object_of((const void *)no_access);

	(void)state;
	assert_int_equal(access("/", F_OK), 0);
	dso_redirect(&self, "access", (void *)no_access);
	assert_int_equal(access("/", F_OK), 123);
	dso_redirect(&self, "access", dlsym(RTLD_DEFAULT, "access"));
	assert_int_equal(access("/", F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_dlsym_finds),
		cmocka_unit_test(test_reads_the_old_hash_table),
		cmocka_unit_test(test_version_for_old_programs_is_second_choice),
		cmocka_unit_test(test_data_is_not_a_function),
		cmocka_unit_test(test_vdso_is_read_unrelocated),
		cmocka_unit_test(test_build_id_is_the_files),
		cmocka_unit_test(test_redirects_calls_of_one_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
