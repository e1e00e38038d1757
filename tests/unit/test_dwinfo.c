/* SPDX-License-Identifier: MIT */
/*
 * test_dwinfo.c - debug information written by hand to do what no compiler does: names that refer
 * to themselves, siblings that lead back, endless nesting, ranges without end, strings without end,
 * units without ranges.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dwarf.h>

#include "symbol/dwinfo.h"
#include "symbol/image.h"
#include "util/pool.h"

#define CODE       0x10000u
#define CODE_BYTES 0x1000u

/* Abbreviations of all cases. */
enum { UNIT = 1, BARE_UNIT, FUNCTION, ORIGIN, INLINED, INLINED_HERE, TYPE, RANGED };

static const uint8_t abbrevs[] = {
	UNIT,
	DW_TAG_compile_unit,
	1,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_data4,
	0,
	0,
	BARE_UNIT,
	DW_TAG_compile_unit,
	1,
	0,
	0,
	FUNCTION,
	DW_TAG_subprogram,
	1,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_data4,
	0,
	0,
	ORIGIN,
	DW_TAG_subprogram,
	0,
	DW_AT_abstract_origin,
	DW_FORM_ref4,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_data4,
	0,
	0,
	INLINED,
	DW_TAG_inlined_subroutine,
	1,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_data4,
	DW_AT_call_line,
	DW_FORM_data1,
	0,
	0,
	INLINED_HERE,
	DW_TAG_inlined_subroutine,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_low_pc,
	DW_FORM_addr,
	DW_AT_high_pc,
	DW_FORM_data4,
	DW_AT_call_line,
	DW_FORM_data1,
	0,
	0,
	TYPE,
	DW_TAG_structure_type,
	1,
	DW_AT_sibling,
	DW_FORM_ref4,
	0,
	0,
	RANGED,
	DW_TAG_subprogram,
	0,
	DW_AT_name,
	DW_FORM_string,
	DW_AT_ranges,
	DW_FORM_sec_offset,
	0,
	0,
	0,
};

struct unit {
	uint8_t *bytes;
	size_t count;
	size_t capacity;
};

static void put(struct unit *u, const void *bytes, size_t count)
{
	u->bytes = pool_grow(u->bytes, &u->capacity, u->count + count, 1);
	memcpy(u->bytes + u->count, bytes, count);
	u->count += count;
}

static void put8(struct unit *u, uint8_t value)
{
	put(u, &value, 1);
}

static void put32(struct unit *u, uint32_t value)
{
	put(u, &value, 4);
}

static void put64(struct unit *u, uint64_t value)
{
	put(u, &value, 8);
}

static void put_range(struct unit *u, uint64_t lo, uint32_t bytes)
{
	put64(u, lo);
	put32(u, bytes);
}

/* Header of a unit of DWARF 4 and its first DIE. */
static void begin(struct unit *u, uint8_t code)
{
	static const uint8_t version[] = { 4, 0, 0, 0, 0, 0, 8 };

	put32(u, 0); /* length, set by end() */
	put(u, version, sizeof(version));
	put8(u, code);
	if (code == UNIT)
		put_range(u, CODE, CODE_BYTES);
}

static void end(struct unit *u)
{
	uint32_t length = (uint32_t)u->count - 4;

	memcpy(u->bytes, &length, sizeof(length));
}

static void put_function(struct unit *u, const char *name, uint64_t lo, uint32_t bytes)
{
	put8(u, FUNCTION);
	put(u, name, strlen(name) + 1);
	put_range(u, lo, bytes);
}

struct fixture {
	struct object *object;
	struct dwinfo *info;
	struct split_search search;
	struct dwinfo_frame frames[DWINFO_MOST_FRAMES];
};

static void open_unit(struct fixture *f, struct unit *u, const struct unit *ranges)
{
	struct image_section sections[] = {
		{ ".debug_info", u->bytes, u->count },
		{ ".debug_abbrev", abbrevs, sizeof(abbrevs) },
		{ ".debug_ranges", ranges ? ranges->bytes : NULL, ranges ? ranges->count : 0 },
	};

	elf_version(EV_CURRENT);
	memset(f, 0, sizeof(*f));
	f->search.module_path = "program";
	f->object = image_build(sections, 3, NULL);
	assert_non_null(f->object);
	assert_non_null(f->object->dwarf);
	f->object->code = xmalloc(sizeof(*f->object->code));
	f->object->code[0] = (struct object_code){ CODE, CODE + CODE_BYTES };
	f->object->code_count = 1;
	f->info = dwinfo_new(f->object, &f->search);
	free(u->bytes);
}

static void close_unit(struct fixture *f)
{
	dwinfo_delete(f->info);
	object_close(f->object);
}

static void test_names_and_nesting(void **state)
{
	struct unit u = { 0 };
	struct fixture f;

	(void)state;
	begin(&u, UNIT);
	put_function(&u, "outer", CODE, 0x100);
	put8(&u, INLINED);
	put_range(&u, CODE + 0x10, 0x40);
	put8(&u, 11);
	put8(&u, INLINED_HERE);
	put(&u, "inner", 6);
	put_range(&u, CODE + 0x20, 0x10);
	put8(&u, 22);
	put8(&u, 0); /* of INLINED */
	put8(&u, 0); /* of outer */
	put_function(&u, "next", CODE + 0x100, 0x100);
	put8(&u, 0);
	put8(&u, 0);
	end(&u);
	open_unit(&f, &u, NULL);
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x20, f.frames), 3);
	assert_string_equal(f.frames[0].name, "inner");
	assert_true(f.frames[0].is_inlined && f.frames[1].is_inlined && !f.frames[2].is_inlined);
	assert_int_equal(f.frames[1].line, 22);
	assert_null(f.frames[1].name);
	assert_int_equal(f.frames[2].line, 11);
	assert_string_equal(f.frames[2].name, "outer");
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x30, f.frames), 2);
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0xff, f.frames), 1);
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x1ff, f.frames), 1);
	assert_string_equal(f.frames[0].name, "next");
	/* In the unit, in no function; then in no unit. */
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x200, f.frames), 1);
	assert_null(f.frames[0].name);
	assert_int_equal(dwinfo_lookup(f.info, CODE + CODE_BYTES, f.frames), 0);
	assert_int_equal(dwinfo_lookup(f.info, 0, f.frames), 0);
	close_unit(&f);
}

static void test_origin_cycles(void **state)
{
	struct unit u = { 0 };
	struct fixture f;
	uint32_t first;

	(void)state;
	begin(&u, UNIT);
	first = (uint32_t)u.count;
	put8(&u, ORIGIN); /* of itself */
	put32(&u, first);
	put_range(&u, CODE, 0x10);
	put8(&u, ORIGIN); /* of the next, which is of this */
	put32(&u, (uint32_t)u.count + 4 + 12);
	put_range(&u, CODE + 0x10, 0x10);
	put8(&u, ORIGIN);
	put32(&u, first + 17);
	put_range(&u, CODE + 0x20, 0x10);
	put8(&u, ORIGIN); /* of a place outside the unit */
	put32(&u, 0x7fffffff);
	put_range(&u, CODE + 0x30, 0x10);
	put8(&u, 0);
	end(&u);
	open_unit(&f, &u, NULL);
	for (first = 0; first < 4; first++) {
		assert_int_equal(dwinfo_lookup(f.info, CODE + first * 0x10, f.frames), 1);
		assert_null(f.frames[0].name);
		assert_null(f.frames[0].linkage);
	}
	close_unit(&f);
}

/*
 * A sibling reference may skip, never lead back or out; a function inside a skipped type is found
 * all the same.
 */
static void test_siblings(void **state)
{
	struct unit u = { 0 };
	struct fixture f;
	size_t at;
	uint32_t behind;

	(void)state;
	begin(&u, UNIT);
	put8(&u, TYPE);
	put32(&u, 12); /* back to the start */
	put_function(&u, "in back", CODE, 0x10);
	put8(&u, 0);
	put8(&u, 0);
	put8(&u, TYPE);
	put32(&u, 0xfffffff0); /* out of the unit */
	put8(&u, 0);
	put8(&u, TYPE);
	at = u.count;
	put32(&u, 0);
	put_function(&u, "in type", CODE + 0x10, 0x10);
	put8(&u, 0);
	put8(&u, 0);
	behind = (uint32_t)u.count;
	memcpy(u.bytes + at, &behind, 4);
	put_function(&u, "behind", CODE + 0x20, 0x10);
	put8(&u, 0);
	put8(&u, 0);
	end(&u);
	open_unit(&f, &u, NULL);
	assert_int_equal(dwinfo_lookup(f.info, CODE, f.frames), 1);
	assert_string_equal(f.frames[0].name, "in back");
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x20, f.frames), 1);
	assert_string_equal(f.frames[0].name, "behind");
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x10, f.frames), 1);
	assert_string_equal(f.frames[0].name, "in type");
	close_unit(&f);
}

static void test_deep_nesting(void **state)
{
	struct unit u = { 0 };
	struct fixture f;
	unsigned int i;

	(void)state;
	begin(&u, UNIT);
	put_function(&u, "outer", CODE, CODE_BYTES);
	for (i = 0; i < 200000; i++) {
		put8(&u, INLINED);
		put_range(&u, CODE, CODE_BYTES);
		put8(&u, 1);
	}
	end(&u);
	open_unit(&f, &u, NULL);
	assert_int_equal(dwinfo_lookup(f.info, CODE, f.frames), DWINFO_MOST_FRAMES);
	close_unit(&f);
}

/*
 * Many functions that all claim one long list of ranges: few bytes, endless work without a bound.
 */
static void test_shared_range_list(void **state)
{
	struct unit u = { 0 }, ranges = { 0 };
	struct fixture f;
	unsigned int i;

	(void)state;
	for (i = 0; i < 60000; i++) {
		put64(&ranges, i % 0x800); /* from the unit's first address on */
		put64(&ranges, i % 0x800 + 1);
	}
	put64(&ranges, 0);
	put64(&ranges, 0);
	begin(&u, UNIT);
	for (i = 0; i < 60000; i++) {
		put8(&u, RANGED);
		put(&u, "x", 2);
		put32(&u, 0);
	}
	end(&u);
	open_unit(&f, &u, &ranges);
	free(ranges.bytes);
	assert_int_equal(dwinfo_lookup(f.info, CODE + 5, f.frames), 1);
	assert_string_equal(f.frames[0].name, "x");
	close_unit(&f);
}

/* The name has no end in its section; behind it in memory there would be more. */
static void test_endless_string(void **state)
{
	struct unit u = { 0 };
	struct fixture f;

	(void)state;
	begin(&u, UNIT);
	put_function(&u, "first", CODE, 0x10);
	put8(&u, 0);
	put8(&u, RANGED);
	put(&u, "endless", 7);
	end(&u);
	open_unit(&f, &u, NULL);
	assert_int_equal(dwinfo_lookup(f.info, CODE, f.frames), 1);
	assert_string_equal(f.frames[0].name, "first");
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x10, f.frames), 1);
	assert_null(f.frames[0].name);
	close_unit(&f);
}

static void test_unit_without_ranges(void **state)
{
	struct unit u = { 0 };
	struct fixture f;

	(void)state;
	begin(&u, BARE_UNIT);
	put_function(&u, "found", CODE + 0x40, 0x10);
	put8(&u, 0);
	put_function(&u, "dropped", 0, 0x10);
	put8(&u, 0);
	put8(&u, 0);
	end(&u);
	open_unit(&f, &u, NULL);
	assert_int_equal(dwinfo_lookup(f.info, CODE + 0x44, f.frames), 1);
	assert_string_equal(f.frames[0].name, "found");
	assert_int_equal(dwinfo_lookup(f.info, 4, f.frames), 0);
	close_unit(&f);
}

/* Every shorter form of a good unit, with its length field right and left as it was. */
static void test_cut_units(void **state)
{
	struct fixture f;
	size_t keep, i;

	(void)state;
	for (keep = 1; keep < 80; keep++)
		for (i = 0; i < 2; i++) {
			struct unit u = { 0 };

			begin(&u, UNIT);
			put_function(&u, "outer", CODE, 0x100);
			put8(&u, INLINED);
			put_range(&u, CODE, 0x40);
			put8(&u, 11);
			put8(&u, 0);
			put8(&u, 0);
			put8(&u, 0);
			end(&u);
			if (keep < u.count)
				u.count = keep;
			if (i && u.count > 4)
				end(&u);
			open_unit(&f, &u, NULL);
			dwinfo_lookup(f.info, CODE, f.frames);
			close_unit(&f);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_and_nesting),
		cmocka_unit_test(test_origin_cycles),
		cmocka_unit_test(test_siblings),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_shared_range_list),
		cmocka_unit_test(test_endless_string),
		cmocka_unit_test(test_unit_without_ranges),
		cmocka_unit_test(test_cut_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
