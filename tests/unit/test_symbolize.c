/* SPDX-License-Identifier: MIT */
/*
 * test_symbolize.c - the symbolizer on this very program: its own functions by name, file and line,
 * modules that are absent or changed, the vdso, JIT code, and thousands of damaged copies of the
 * program.
 */
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "symbol/symbolize.h"

#define OWN "/proc/self/exe"

/* How far this program was loaded from where it was linked. */
static uint64_t load_bias(void)
{
	return _r_debug.r_map->l_addr;
}

static volatile int sink;
static uint64_t inlined_pc;

/*
 * Stores an address of its own, wherever it is inlined; INLINED_LINE is the line of that address.
 */
enum { INLINED_LINE = __LINE__ + 3 };
static inline __attribute__((always_inline)) void inlined_function(int x)
{
	__asm__ volatile("1: lea 1b(%%rip), %0" : "=r"(inlined_pc));
	sink = x;
}

enum { CALL_LINE = __LINE__ + 4 };
static __attribute__((noinline)) void calling_function(int x)
{
	sink = x + 1;
	inlined_function(x);
	sink = x + 2;
}

static int ends_in(const char *text, const char *end)
{
	size_t a = text ? strlen(text) : 0, b = strlen(end);

	return a >= b && strcmp(text + a - b, end) == 0;
}

static void test_own_functions(void **state)
{
	struct symbolizer *s = symbolizer_new(NULL);
	struct symbol_module module = { .path = OWN };
	const struct symbol_frame *frames, *again;
	int handle = symbolizer_module(s, &module);
	size_t count;

	(void)state;
	calling_function(3);
	assert_true(handle >= 0);
	count = symbolizer_lookup(s, handle, inlined_pc - load_bias(), &frames);
	assert_int_equal(count, 2);
	assert_string_equal(frames[0].function, "inlined_function");
	assert_true(ends_in(frames[0].file, "/tests/unit/test_symbolize.c"));
	assert_int_equal(frames[0].line, INLINED_LINE);
	assert_true(frames[0].is_inlined && frames[0].is_resolved);
	assert_string_equal(frames[1].function, "calling_function");
	assert_int_equal(frames[1].line, CALL_LINE);
	assert_false(frames[1].is_inlined);
	assert_string_equal(frames[1].module, OWN);
	assert_int_equal(frames[1].offset, inlined_pc - load_bias());
	/* The same answer, not only an equal one. */
	assert_int_equal(symbolizer_lookup(s, handle, inlined_pc - load_bias(), &again), 2);
	assert_ptr_equal(frames, again);
	assert_int_equal(symbolizer_note_count(s), 0);
	symbolizer_delete(s);
}

/* The next descriptor that would be given out. */
static int next_descriptor(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

/* A trace may name thousands of modules: none may keep a descriptor. */
static void test_no_descriptor_stays_open(void **state)
{
	struct symbolizer *s = symbolizer_new(NULL);
	const struct symbol_frame *frames;
	int before = next_descriptor(), handle;

	(void)state;
	handle = symbolizer_module(s, &(struct symbol_module){ .path = OWN });
	assert_int_equal(symbolizer_lookup(s, handle, inlined_pc - load_bias(), &frames), 2);
	assert_int_equal(next_descriptor(), before);
	symbolizer_delete(s);
}

static void test_handles(void **state)
{
	static const uint8_t id_a[] = { 1, 2, 3 }, id_b[] = { 1, 2, 4 };
	struct symbolizer *s = symbolizer_new(NULL);
	int a = symbolizer_module(s, &(struct symbol_module){ "/x/a", id_a, 3 });
	int b = symbolizer_module(s, &(struct symbol_module){ "/x/a", id_b, 3 });
	int c = symbolizer_module(s, &(struct symbol_module){ "/x/a", NULL, 0 });
	int d = symbolizer_module(s, &(struct symbol_module){ "/x/b", id_a, 3 });
	const struct symbol_frame *frames;

	(void)state;
	assert_true(a != b && a != c && b != c && a != d);
	assert_int_equal(a, symbolizer_module(s, &(struct symbol_module){ "/x/a", id_a, 3 }));
	assert_int_equal(b, symbolizer_module(s, &(struct symbol_module){ "/x/a", id_b, 3 }));
	assert_int_equal(c, symbolizer_module(s, &(struct symbol_module){ "/x/a", NULL, 0 }));
	/* No file: module and offset, a note for each module that was asked for. */
	assert_int_equal(symbolizer_note_count(s), 0);
	assert_int_equal(symbolizer_lookup(s, a, 0x1234, &frames), 1);
	assert_string_equal(frames[0].function, "a+0x1234");
	assert_string_equal(frames[0].module, "/x/a");
	assert_false(frames[0].is_resolved);
	assert_null(frames[0].file);
	assert_int_equal(symbolizer_note_count(s), 1);
	assert_non_null(strstr(symbolizer_note(s, 0), "/x/a"));
	assert_null(symbolizer_note(s, 1));
	/* A handle that was never given out. */
	assert_int_equal(symbolizer_lookup(s, 77, 0x99, &frames), 1);
	assert_string_equal(frames[0].function, "0x99");
	assert_int_equal(symbolizer_lookup(s, -1, 0x99, &frames), 1);
	assert_null(frames[0].module);
	symbolizer_delete(s);
}

static void test_changed_file(void **state)
{
	static const uint8_t other[20] = { 9 };
	struct symbolizer *s = symbolizer_new(NULL);
	int handle = symbolizer_module(s, &(struct symbol_module){ OWN, other, sizeof(other) });
	const struct symbol_frame *frames;

	(void)state;
	assert_int_equal(symbolizer_lookup(s, handle, inlined_pc - load_bias(), &frames), 1);
	assert_false(frames[0].is_resolved);
	assert_int_equal(symbolizer_note_count(s), 1);
	assert_non_null(strstr(symbolizer_note(s, 0), "build-id"));
	symbolizer_delete(s);
}

static void test_vdso(void **state)
{
	struct symbolizer *s = symbolizer_new(NULL);
	int handle = symbolizer_module(s, &(struct symbol_module){ .path = "[vdso]" });
	const struct symbol_frame *frames;
	uint64_t vaddr;
	int found = 0;

	(void)state;
	for (vaddr = 0; vaddr < 0x4000; vaddr += 4) {
		symbolizer_lookup(s, handle, vaddr, &frames);
		if (frames[0].is_resolved && strstr(frames[0].function, "clock_gettime"))
			found = 1;
	}
	assert_true(found);
	assert_int_equal(symbolizer_note_count(s), 0);
	symbolizer_delete(s);
}

static void test_jit(void **state)
{
	struct symbol_options options = { .pid = (uint32_t)getpid() };
	struct symbolizer *s = symbolizer_new(&options);
	const struct symbol_frame *frames;
	char path[64];
	FILE *file;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)getpid());
	file = fopen(path, "w");
	assert_non_null(file);
	fprintf(file,
		"7f0000001000 40 LazyCompile:*fib /app/fib.js:3\n7f0000002000 10 _ZN3jit4codeEv\n");
	fclose(file);
	assert_int_equal(symbolizer_lookup_pc(s, 0x7f0000001010, &frames), 1);
	assert_string_equal(frames[0].function, "LazyCompile:*fib /app/fib.js:3");
	assert_true(frames[0].is_resolved);
	assert_null(frames[0].module);
	assert_int_equal(symbolizer_lookup_pc(s, 0x7f0000002000, &frames), 1);
	assert_string_equal(frames[0].function, "jit::code()");
	assert_int_equal(symbolizer_lookup_pc(s, 0x7f0000001040, &frames), 1);
	assert_string_equal(frames[0].function, "0x7f0000001040");
	assert_false(frames[0].is_resolved);
	symbolizer_delete(s);
	unlink(path);
}

/* ---- damaged copies -------------------------------------------------------------------------- */

struct copy {
	char path[64];
	uint8_t *bytes; /* the file itself, mapped shared */
	size_t size;
	size_t parts[64][2]; /* offset and size of what a symbolizer reads */
	size_t part_count;
};

static int is_read(const char *name)
{
	return strncmp(name, ".debug_", 7) == 0 || strcmp(name, ".symtab") == 0 ||
	       strcmp(name, ".strtab") == 0 || strcmp(name, ".shstrtab") == 0 ||
	       strcmp(name, ".dynsym") == 0 || strncmp(name, ".note", 5) == 0;
}

static void copy_own(struct copy *c)
{
	int from = open(OWN, O_RDONLY | O_CLOEXEC), to;
	const ElfW(Ehdr) * header;
	const ElfW(Shdr) * sections;
	struct stat status;
	ssize_t got;
	size_t i;

	strcpy(c->path, "/tmp/test_symbolize.XXXXXX");
	to = mkstemp(c->path);
	assert_true(from >= 0 && to >= 0);
	assert_int_equal(fstat(from, &status), 0);
	c->size = (size_t)status.st_size;
	assert_int_equal(ftruncate(to, status.st_size), 0);
	c->bytes = mmap(NULL, c->size, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	assert_true(c->bytes != MAP_FAILED);
	for (i = 0; i < c->size; i += (size_t)got) {
		got = read(from, c->bytes + i, c->size - i);
		assert_true(got > 0);
	}
	close(from);
	close(to);
	header = (const ElfW(Ehdr) *)c->bytes;
	sections = (const ElfW(Shdr) *)(c->bytes + header->e_shoff);
	c->parts[0][1] = sizeof(*header);
	c->parts[1][0] = header->e_shoff;
	c->parts[1][1] = (size_t)header->e_shnum * sizeof(*sections);
	c->part_count = 2;
	for (i = 0; i < header->e_shnum && c->part_count < 64; i++) {
		const char *names = (const char *)c->bytes + sections[header->e_shstrndx].sh_offset;

		if (!is_read(names + sections[i].sh_name) || sections[i].sh_size == 0)
			continue;
		c->parts[c->part_count][0] = sections[i].sh_offset;
		c->parts[c->part_count++][1] = sections[i].sh_size;
	}
}

/*
 * Looks a few addresses up in the copy as it is. Returns how many frames have a name and a line;
 * any number will do.
 */
static size_t look_around(const struct copy *c)
{
	uint64_t own = (uint64_t)(uintptr_t)calling_function - load_bias();
	struct symbolizer *s = symbolizer_new(NULL);
	int handle = symbolizer_module(s, &(struct symbol_module){ .path = c->path });
	const struct symbol_frame *frames;
	size_t i, j, count, named = 0;

	for (i = 0; i < 40; i++) {
		count = symbolizer_lookup(s, handle, own + i * 3, &frames);
		assert_true(count >= 1);
		for (j = 0; j < count; j++) {
			assert_non_null(frames[j].function);
			named += frames[j].is_resolved && frames[j].line &&
				 strlen(frames[j].function);
			if (frames[j].file)
				assert_true(strlen(frames[j].file) > 0);
		}
	}
	symbolizer_lookup(s, handle, own + 0x4000, &frames);
	symbolizer_lookup(s, handle, UINT64_MAX, &frames);
	symbolizer_delete(s);
	return named;
}

static void test_flipped_bytes(void **state)
{
	static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct copy c = { .size = 0 };
	unsigned int seed = 11, round, i, changed = 0;
	size_t named;

	(void)state;
	copy_own(&c);
	assert_true(c.part_count > 8);
	named = look_around(&c);
	assert_true(named >= 40);
	for (round = 0; round < 2500; round++) {
		const size_t *part = c.parts[(unsigned int)rand_r(&seed) % c.part_count];
		unsigned int count = 1u << (unsigned int)rand_r(&seed) % 6;
		/* Near the start of a part, where headers are, as often as anywhere. */
		size_t span = rand_r(&seed) % 2 && part[1] > 64 ? 64 : part[1];
		size_t where[32];
		uint8_t old[32];

		for (i = 0; i < count; i++) {
			where[i] = part[0] + (size_t)rand_r(&seed) % span;
			old[i] = c.bytes[where[i]];
			c.bytes[where[i]] =
				rand_r(&seed) % 2
					? values[(unsigned int)rand_r(&seed) % sizeof(values)]
					: (uint8_t)rand_r(&seed);
		}
		changed += look_around(&c) != named;
		while (i-- > 0)
			c.bytes[where[i]] = old[i];
	}
	/* The damage was where it hurts, and was repaired each time. */
	assert_true(changed > 100);
	assert_int_equal(look_around(&c), named);
	munmap(c.bytes, c.size);
	unlink(c.path);
}

static void test_cut_file(void **state)
{
	struct copy c = { .size = 0 };
	unsigned int seed = 5;
	size_t size;

	(void)state;
	copy_own(&c);
	munmap(c.bytes, c.size);
	for (size = c.size; size > 16; size -= size / 24 + (size_t)rand_r(&seed) % 16) {
		assert_int_equal(truncate(c.path, (off_t)size), 0);
		look_around(&c);
	}
	assert_int_equal(truncate(c.path, 0), 0);
	look_around(&c);
	unlink(c.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_functions),
		cmocka_unit_test(test_no_descriptor_stays_open),
		cmocka_unit_test(test_handles),
		cmocka_unit_test(test_changed_file),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_jit),
		cmocka_unit_test(test_flipped_bytes),
		cmocka_unit_test(test_cut_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
