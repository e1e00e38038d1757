/* SPDX-License-Identifier: MIT */
/*
 * test_unwind_cfi.c - rows of made-up call frame information, and what damaged information may do: nothing
 * but fail. The tables lie in a buffer whose end is followed by memory that cannot be read.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "unwind_cfi.h"
#include "unwind_rules.h"

#if !UNWIND_HAS_RULES
int main(void)
{
	return 0;
}
#else

#define BYTES 4096u
#define TEXT  0x100000u /* of the made-up object, relative to the buffer */
#define RBX   3
#define RBP   6
#define RSP   7
#define RA    16

/* An object: .eh_frame_hdr at the end, .eh_frame before it, all in one segment up to the buffer's end. */
struct object {
	uint8_t *base; /* BYTES, then a page that cannot be read */
	size_t used, cie, fdes[8], starts[8], count;
	ElfW(Phdr) phdrs[2];
	struct dso dso;
};

static void put(struct object *o, const void *bytes, size_t size)
{
	memcpy(o->base + o->used, bytes, size);
	o->used += size;
}

static void put1(struct object *o, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	put(o, &byte, 1);
}

static void put4(struct object *o, uint32_t value)
{
	put(o, &value, 4);
}

static size_t begin_entry(struct object *o)
{
	put4(o, 0);
	return o->used;
}

static void end_entry(struct object *o, size_t begin)
{
	uint32_t length;

	while ((o->used - begin) % 8 != 4)
		put1(o, 0); /* DW_CFA_nop */
	length = (uint32_t)(o->used - begin);
	memcpy(o->base + begin - 4, &length, 4);
}

/* A CIE as compilers write it: CFA is rsp + 8, the return address at CFA - 8. */
static void add_cie(struct object *o, const char *letters, unsigned version)
{
	size_t begin;

	o->cie = o->used;
	begin = begin_entry(o);
	put4(o, 0);
	put1(o, version);
	put(o, letters, strlen(letters) + 1);
	put1(o, 1);    /* code alignment */
	put1(o, 0x78); /* data alignment -8 */
	put1(o, RA);
	put1(o, 1);    /* augmentation data */
	put1(o, 0x1b); /* pc-relative, 4 bytes, signed */
	put1(o, 0x0c); /* def_cfa rsp 8 */
	put1(o, RSP);
	put1(o, 8);
	put1(o, 0x80 | RA);
	put1(o, 1);
	end_entry(o, begin);
}

/* An FDE for [START, START + SIZE) of the text with PROGRAM. */
static void add_fde(struct object *o, uint32_t start, uint32_t size, const uint8_t *program,
		    size_t length)
{
	size_t begin;

	o->starts[o->count] = TEXT + start;
	o->fdes[o->count++] = o->used;
	begin = begin_entry(o);
	put4(o, (uint32_t)(o->used - o->cie));
	put4(o, (uint32_t)(TEXT + start - o->used));
	put4(o, size);
	put1(o, 0);
	put(o, program, length);
	end_entry(o, begin);
}

static void new_object(struct object *o)
{
	memset(o, 0, sizeof(*o));
	o->base = mmap(NULL, BYTES + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	assert_true(o->base != MAP_FAILED);
	assert_int_equal(mprotect(o->base + BYTES, 4096, PROT_NONE), 0);
}

/* Moves what was added to the end of the buffer, so that its last byte is the last one that can be read. */
static void finish_object(struct object *o)
{
	size_t header = o->used, i, shift;

	put1(o, 1);
	put1(o, 0x1b); /* .eh_frame */
	put1(o, 0x03); /* the count, 4 bytes */
	put1(o, 0x3b); /* the table: relative to the header, 4 bytes, signed */
	put4(o, (uint32_t) - (int32_t)o->used);
	put4(o, (uint32_t)o->count);
	for (i = 0; i < o->count; i++) {
		put4(o, (uint32_t)(o->starts[i] - header));
		put4(o, (uint32_t)(o->fdes[i] - header));
	}
	shift = BYTES - o->used;
	memmove(o->base + shift, o->base, o->used);
	o->phdrs[0] = (ElfW(Phdr)){
		.p_type = PT_LOAD, .p_flags = PF_R, .p_filesz = o->used, .p_memsz = o->used
	};
	o->phdrs[1] = (ElfW(Phdr)){ .p_type = PT_GNU_EH_FRAME, .p_vaddr = header };
	o->dso = (struct dso){ .bias = (uintptr_t)o->base + shift, .phdr = o->phdrs, .phdr_count = 2 };
}

static void drop_object(struct object *o)
{
	munmap(o->base, BYTES + 4096);
}

static int row_at(const struct object *o, uint32_t pc, struct cfi_row *row)
{
	return cfi_find(&o->dso, o->dso.bias + TEXT + pc, row);
}

/* push %rbp; mov %rsp,%rbp; push %rbx … pop; leave; ret, with the epilogue in the middle. */
static const uint8_t framed[] = {
	0x41, 0x0e, 16,   0x86, 2, /* advance 1, def_cfa_offset 16, rbp at CFA-16 */
	0x43, 0x0d, RBP,           /* advance 3, def_cfa_register rbp */
	0x41, 0x83, 3,             /* advance 1, rbx at CFA-24 */
	0x02, 0x20, 0x0a,          /* advance 32, remember_state */
	0xc3, 0xc6, 0x0c, RSP,  8, /* restore rbx, rbp, def_cfa rsp 8 */
	0x41, 0x0b,                /* advance 1, restore_state */
};

static void rows_follow_the_program(void **state)
{
	struct object o;
	struct cfi_row row;

	(void)state;
	new_object(&o);
	add_cie(&o, "zR", 1);
	add_fde(&o, 0x100, 0x40, framed, sizeof(framed));
	finish_object(&o);

	assert_int_equal(row_at(&o, 0x100, &row), 0);
	assert_int_equal(row.cfa_register, RSP);
	assert_int_equal(row.cfa_value, 8);
	assert_int_equal(row.registers[RA].where, CFI_SAVED);
	assert_int_equal(row.registers[RA].value, -8);
	assert_int_equal(row.registers[RBP].where, CFI_SAME);
	assert_int_equal(row_at(&o, 0x101, &row), 0);
	assert_int_equal(row.cfa_value, 16);
	assert_int_equal(row.registers[RBP].value, -16);
	assert_int_equal(row_at(&o, 0x104, &row), 0);
	assert_int_equal(row.cfa_register, RBP);
	assert_int_equal(row.registers[RBX].where, CFI_SAME);
	assert_int_equal(row_at(&o, 0x110, &row), 0);
	assert_int_equal(row.registers[RBX].value, -24);
	assert_int_equal(row_at(&o, 0x125, &row), 0);
	assert_int_equal(row.cfa_register, RSP);
	assert_int_equal(row.cfa_value, 8);
	assert_int_equal(row.registers[RBP].where, CFI_SAME);
	assert_int_equal(row_at(&o, 0x13f, &row), 0);
	assert_int_equal(row.cfa_register, RBP);
	assert_int_equal(row.registers[RBX].value, -24);
	drop_object(&o);
}

static void only_what_is_described_has_a_row(void **state)
{
	static const uint8_t nothing[] = { 0 };
	struct object o;
	struct cfi_row row;
	uint32_t i;

	(void)state;
	new_object(&o);
	add_cie(&o, "zR", 1);
	for (i = 0; i < 5; i++)
		add_fde(&o, 0x100 * (i + 1), 0x10, nothing, sizeof(nothing));
	finish_object(&o);
	assert_int_equal(row_at(&o, 0xff, &row), -ENOENT);
	for (i = 0; i < 5; i++) {
		assert_int_equal(row_at(&o, 0x100 * (i + 1), &row), 0);
		assert_int_equal(row_at(&o, 0x100 * (i + 1) + 15, &row), 0);
		assert_int_equal(row_at(&o, 0x100 * (i + 1) + 16, &row), -ENOENT);
	}
	o.dso.phdr_count = 1;
	assert_int_equal(row_at(&o, 0x100, &row), -ENOENT);
	drop_object(&o);
}

/* What becomes of PROGRAM at the first instruction. */
static struct unwind_rule rule_of(const char *letters, unsigned version, const uint8_t *program,
				  size_t length)
{
	struct unwind_rule rule = { .kind = RULE_NONE };
	struct object o;
	struct cfi_row row;

	new_object(&o);
	add_cie(&o, letters, version);
	add_fde(&o, 0, 0x10, program, length);
	finish_object(&o);
	if (row_at(&o, 0, &row) == 0)
		rule = rules_of_row(&row);
	drop_object(&o);
	return rule;
}

#define RULE(...)                                           \
	({                                                  \
		const uint8_t program[] = { __VA_ARGS__ };  \
		rule_of("zR", 1, program, sizeof(program)); \
	})

static void rows_become_rules(void **state)
{
	struct unwind_rule rule;

	(void)state;
	rule = RULE(0x0e, 0x30, 0x86, 2);
	assert_int_equal(rule.kind, RULE_SP);
	assert_int_equal(rule.cfa_words, 6);
	assert_int_equal(rule.fp, RULE_FP_AT_CFA);
	assert_int_equal(rule.fp_words, -2);
	rule = RULE(0x0c, RBP, 16, 0x86, 2);
	assert_int_equal(rule.kind, RULE_FP);
	assert_int_equal(rule.cfa_words, 2);
	/* A realigned frame of gcc: CFA in memory at rbp - 8, rbp at rbp + 0. */
	rule = RULE(0x0f, 3, 0x76, 0x78, 0x06, 0x10, RBP, 2, 0x76, 0);
	assert_int_equal(rule.kind, RULE_CELL);
	assert_int_equal(rule.cfa_words, -1);
	assert_int_equal(rule.fp, RULE_FP_AT_FP);
	assert_int_equal(rule.fp_words, 0);
	assert_int_equal(RULE(0x07, RA).kind, RULE_END);
	assert_int_equal(RULE(0x0c, RBX, 24).kind, RULE_COMPLEX); /* CFA on rbx */
	assert_int_equal(RULE(0x0e, 12).kind, RULE_COMPLEX);      /* no whole word */
	assert_int_equal(RULE(0x0e, 0x80, 0x80, 0x20).kind,
			 RULE_COMPLEX); /* 512 KiB: more than a rule can say */
	assert_int_equal(RULE(0x80 | RA, 2).kind, RULE_COMPLEX);  /* return address elsewhere */
	assert_int_equal(RULE(0x09, RA, 2).kind, RULE_COMPLEX);   /* in a register */
	assert_int_equal(RULE(0x80 | RSP, 4).kind, RULE_COMPLEX); /* the stack pointer was saved */
	assert_int_equal(RULE(0x0f, 3, 0x77, 8, 0x06).kind, RULE_COMPLEX); /* in memory at rsp + 8 */
	assert_int_equal(RULE(0x2f, RBP, 2).fp, RULE_FP_AT_CFA); /* GNU_negative_offset_extended */
	assert_int_equal(RULE(0x2e, 16, 0x0e, 16).cfa_words, 2); /* GNU_args_size is skipped */
}

static void other_kinds_of_entries(void **state)
{
	static const uint8_t program[] = { 0x0e, 16 };

	(void)state;
	assert_int_equal(rule_of("zRS", 1, program, sizeof(program)).kind, RULE_SIGNAL);
	assert_int_equal(rule_of("zR", 3, program, sizeof(program)).kind, RULE_SP);
	assert_int_equal(rule_of("zR", 7, program, sizeof(program)).kind, RULE_NONE);
	assert_int_equal(rule_of("eh", 1, program, sizeof(program)).kind, RULE_NONE);
}

static void impossible_programs_fail(void **state)
{
	(void)state;
	assert_int_equal(RULE(0x0b).kind, RULE_NONE); /* nothing was remembered */
	assert_int_equal(RULE(0x0a, 0x0a, 0x0a, 0x0a, 0x0a).kind, RULE_NONE); /* too much is */
	assert_int_equal(RULE(0x3f).kind, RULE_NONE);                         /* no such opcode */
	assert_int_equal(RULE(0x0c, 0x40, 8).kind, RULE_NONE);    /* no such register for the CFA */
	assert_int_equal(RULE(0x0f, 0x7f, 0x76).kind, RULE_NONE); /* an expression beyond the entry */
	assert_int_equal(RULE(0x0e, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20).kind, RULE_NONE); /* 2^40 */
}

/* Any byte wrong, or the segment ending anywhere: a row or an error, and the loop ends. */
static void damage_is_harmless(void **state)
{
	struct object o;
	struct cfi_row row;
	uint8_t *bytes, *good;
	size_t i, length;
	unsigned round, failed = 0;

	(void)state;
	new_object(&o);
	add_cie(&o, "zPLR", 1);
	add_fde(&o, 0x100, 0x40, framed, sizeof(framed));
	add_fde(&o, 0x200, 0x40, framed, sizeof(framed));
	finish_object(&o);
	bytes = (uint8_t *)o.dso.bias;
	length = o.phdrs[0].p_filesz;
	good = malloc(length);
	assert_non_null(good);
	memcpy(good, bytes, length);
	srand(1);
	for (round = 0; round < 40000; round++) {
		for (i = 0; i < 1 + round % 4; i++)
			bytes[(size_t)rand() % length] = (uint8_t)rand();
		failed += row_at(&o, 0x100 + round % 0x140, &row) != 0;
		rules_of_row(&row);
		memcpy(bytes, good, length);
	}
	assert_true(failed > 1000 && failed < 40000);
	for (i = 0; i <= length; i++) {
		o.phdrs[0].p_filesz = i;
		row_at(&o, 0x120, &row);
	}
	free(good);
	drop_object(&o);
}

/* .debug_frame: the CIE is named by its place, its mark is all ones, addresses are as linked. */
static void debug_frame_is_read_too(void **state)
{
	struct object o;
	struct cfi_row row;
	struct cfi_range range;
	size_t begin;
	uint64_t wide;

	(void)state;
	new_object(&o);
	begin = begin_entry(&o);
	put4(&o, 0xffffffff);
	put1(&o, 1);
	put1(&o, 0); /* no augmentation */
	put1(&o, 1);
	put1(&o, 0x78);
	put1(&o, RA);
	put1(&o, 0x0c);
	put1(&o, RSP);
	put1(&o, 8);
	put1(&o, 0x80 | RA);
	put1(&o, 1);
	end_entry(&o, begin);
	begin = begin_entry(&o);
	put4(&o, 0);
	wide = 0x4000;
	put(&o, &wide, 8);
	wide = 0x20;
	put(&o, &wide, 8);
	put1(&o, 0x41);
	put1(&o, 0x0e);
	put1(&o, 32);
	end_entry(&o, begin);
	assert_int_equal(cfi_list_debug(o.base, o.used, &range, 1), 1);
	assert_int_equal(range.begin, 0x4000);
	assert_int_equal(range.size, 0x20);
	assert_int_equal(cfi_find_debug(o.base, o.used, 0x10000, range.offset, 0x14000, &row), 0);
	assert_int_equal(row.cfa_value, 8);
	assert_int_equal(cfi_find_debug(o.base, o.used, 0x10000, range.offset, 0x14001, &row), 0);
	assert_int_equal(row.cfa_value, 32);
	assert_int_equal(cfi_find_debug(o.base, o.used, 0x10000, range.offset, 0x14020, &row),
			 -ENOENT);
	assert_int_equal(cfi_find_debug(o.base, o.used, 0x10000, 0, 0x14001, &row), -ENOENT);
	for (begin = 0; begin < o.used; begin++) {
		assert_int_equal(cfi_list_debug(o.base, begin, &range, 1), 0);
		assert_int_not_equal(
			cfi_find_debug(o.base, begin, 0x10000, range.offset, 0x14001, &row), 0);
	}
	drop_object(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_follow_the_program),
		cmocka_unit_test(only_what_is_described_has_a_row),
		cmocka_unit_test(rows_become_rules),
		cmocka_unit_test(other_kinds_of_entries),
		cmocka_unit_test(impossible_programs_fail),
		cmocka_unit_test(damage_is_harmless),
		cmocka_unit_test(debug_frame_is_read_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
