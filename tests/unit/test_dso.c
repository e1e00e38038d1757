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
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
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

/* A table as the gABI has it, of one bucket, for all symbols that GNU's own table of DSO knows of. */
static uint32_t *old_hash_table(const struct dso *dso)
{
	const uint32_t *table = dso->gnu_hash, *buckets = table + 4 + 2 * table[2];
	const uint32_t *chain = buckets + table[0];
	uint32_t last = 0, i, *out;

	for (i = 0; i < table[0]; i++)
		last = buckets[i] > last ? buckets[i] : last;
	while (!(chain[last - table[1]] & 1))
		last++;
	out = calloc(last + 4, sizeof(*out));
	assert_non_null(out);
	out[0] = 1;
	out[1] = last + 1; /* symbols */
	out[2] = last;
	for (i = 1; i <= last; i++)
		out[3 + i] = i - 1;
	return out;
}

/* Found by DT_HASH alone, as in objects linked with --hash-style=sysv; few have one nowadays. */
static void test_reads_the_old_hash_table(void **state)
{
	void *handle;
	struct dso libc = libc_object(&handle);
	uint32_t *made_up = old_hash_table(&libc);

	(void)state;
	libc.gnu_hash = NULL;
	if (libc.hash)
		assert_ptr_equal(dso_find(&libc, "posix_spawn"), dlsym(handle, "posix_spawn"));
	libc.hash = made_up;
	assert_ptr_equal(dso_find(&libc, "posix_spawn"), dlsym(handle, "posix_spawn"));
	assert_null(dso_find(&libc, "posix_spawn_not"));
	libc.hash = NULL;
	assert_null(dso_find(&libc, "posix_spawn"));
	free(made_up);
	dlclose(handle);
}

/* glibc's first version for this machine, and how the kernel calls the clock. */
#if defined(__x86_64__)
#define OLDEST        "GLIBC_2.2.5"
#define VDSO_FUNCTION "__vdso_clock_gettime"
#else
#define OLDEST        "GLIBC_2.17"
#define VDSO_FUNCTION "__kernel_clock_gettime"
#endif

static void test_version_for_old_programs_is_second_choice(void **state)
{
	void *handle;
	struct dso libc = libc_object(&handle);
	void *old = dlvsym(handle, "cfree", OLDEST);

	(void)state;
	assert_non_null(dlvsym(handle, "glob", OLDEST));
	assert_ptr_not_equal(dlvsym(handle, "glob", OLDEST), dlsym(handle, "glob"));
	assert_ptr_equal(dso_find(&libc, "glob"), dlsym(handle, "glob"));
	assert_null(dlsym(handle, "cfree"));
	assert_non_null(old);
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

/* The file of OBJECT mapped once more, segment by segment, as nobody has relocated it. */
static void map_unrelocated(struct dl_phdr_info *out, const struct dso *object)
{
	size_t i, end = 0;
	int fd = open(object->name, O_RDONLY);
	char *base;

	assert_true(fd >= 0);
	for (i = 0; i < object->phdr_count; i++)
		if (object->phdr[i].p_type == PT_LOAD)
			end = object->phdr[i].p_vaddr + object->phdr[i].p_memsz;
	base = mmap(NULL, end, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(base != MAP_FAILED);
	for (i = 0; i < object->phdr_count; i++) {
		const ElfW(Phdr) *p = &object->phdr[i];
		size_t into = p->p_offset & 4095;

		if (p->p_type == PT_LOAD)
			assert_true(mmap(base + p->p_vaddr - into, p->p_filesz + into, PROT_READ,
					 MAP_PRIVATE | MAP_FIXED, fd,
					 (off_t)(p->p_offset - into)) != MAP_FAILED);
	}
	close(fd);
	*out = (struct dl_phdr_info){ .dlpi_addr = (uintptr_t)base,
				      .dlpi_name = "",
				      .dlpi_phdr = object->phdr,
				      .dlpi_phnum = (uint16_t)object->phdr_count };
}

static void test_what_nobody_has_relocated_is_read_too(void **state)
{
	void *handle;
	struct dso libc = libc_object(&handle), copy;
	struct dl_phdr_info info;

	(void)state;
	map_unrelocated(&info, &libc);
	assert_int_equal(dso_open(&copy, &info), 0);
	assert_int_equal((uintptr_t)dso_find(&copy, "qsort") - copy.bias,
			 (uintptr_t)dlsym(handle, "qsort") - libc.bias);
	dlclose(handle);
}

/* The same of the kernel's; only an emulator of system calls may have none. */
static void test_vdso_is_read_unrelocated(void **state)
{
	uintptr_t base = getauxval(AT_SYSINFO_EHDR);
	const char *emulator = getenv("EMULATOR"); /* of tests/run.sh */
	struct dso vdso;

	(void)state;
	if (!base) {
		assert_true(emulator && *emulator);
		return;
	}
	vdso = object_of((const void *)base);
	assert_true(dso_holds(&vdso, (uintptr_t)dso_find(&vdso, VDSO_FUNCTION)));
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
		cmocka_unit_test(test_what_nobody_has_relocated_is_read_too),
		cmocka_unit_test(test_vdso_is_read_unrelocated),
		cmocka_unit_test(test_build_id_is_the_files),
		cmocka_unit_test(test_redirects_calls_of_one_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
