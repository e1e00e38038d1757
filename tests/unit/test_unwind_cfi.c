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
#include <sys/auxv.h>
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
#define FP    UNWIND_FP
#define SP    UNWIND_SP
#define RA    UNWIND_RA

/* A register that callees keep: rbx, x19. */
#if defined(__x86_64__)
#define KEPT 3
#else
#define KEPT 19
#endif

/* Opcodes with a register in them. */
#define OFFSET(number)  (0x80 | (number))
#define RESTORE(number) (0xc0 | (number))
#define BREG(number)    (0x70 + (number))

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

/* A CIE as compilers write it for x86-64: CFA is sp + 8, the return address at CFA - 8. */
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
	put1(o, 0x0c); /* def_cfa sp 8 */
	put1(o, SP);
	put1(o, 8);
	put1(o, OFFSET(RA));
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

/* push %rbp; mov %rsp,%rbp; push %rbx … pop; leave; ret, with the epilogue in the middle; or such registers. */
static const uint8_t framed[] = {
	/* advance 1, def_cfa_offset 16, fp at CFA-16 */
	0x41, 0x0e, 16, OFFSET(FP), 2,
	/* advance 3, def_cfa_register fp; advance 1, kept at CFA-24 */
	0x43, 0x0d, FP, 0x41, OFFSET(KEPT), 3,
	/* advance 32, remember_state */
	0x02, 0x20, 0x0a,
	/* restore both, def_cfa sp 8; advance 1, restore_state */
	RESTORE(KEPT), RESTORE(FP), 0x0c, SP, 8, 0x41, 0x0b
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
	assert_int_equal(row.cfa_register, SP);
	assert_int_equal(row.cfa_value, 8);
	assert_int_equal(row.registers[RA].where, CFI_SAVED);
	assert_int_equal(row.registers[RA].value, -8);
	assert_int_equal(row.registers[FP].where, CFI_SAME);
	assert_int_equal(row_at(&o, 0x101, &row), 0);
	assert_int_equal(row.cfa_value, 16);
	assert_int_equal(row.registers[FP].value, -16);
	assert_int_equal(row_at(&o, 0x104, &row), 0);
	assert_int_equal(row.cfa_register, FP);
	assert_int_equal(row.registers[KEPT].where, CFI_SAME);
	assert_int_equal(row_at(&o, 0x110, &row), 0);
	assert_int_equal(row.registers[KEPT].value, -24);
	assert_int_equal(row_at(&o, 0x125, &row), 0);
	assert_int_equal(row.cfa_register, SP);
	assert_int_equal(row.cfa_value, 8);
	assert_int_equal(row.registers[FP].where, CFI_SAME);
	assert_int_equal(row_at(&o, 0x13f, &row), 0);
	assert_int_equal(row.cfa_register, FP);
	assert_int_equal(row.registers[KEPT].value, -24);
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
	rule = RULE(0x0e, 0x30, OFFSET(FP), 2);
	assert_int_equal(rule.kind, RULE_SP);
	assert_int_equal(rule.cfa_words, 6);
	assert_int_equal(rule.fp, RULE_FP_AT_CFA);
	assert_int_equal(rule.fp_words, -2);
	assert_int_equal(rules_ra_slot(rule), -8);
	rule = RULE(0x0c, FP, 16, OFFSET(FP), 2);
	assert_int_equal(rule.kind, RULE_FP);
	assert_int_equal(rule.cfa_words, 2);
	assert_int_equal(RULE(0x07, RA).kind, RULE_END);
	assert_int_equal(RULE(0x0c, KEPT, 24).kind, RULE_COMPLEX); /* CFA on another register */
	assert_int_equal(RULE(0x0e, 12).kind, RULE_COMPLEX);       /* no whole word */
	assert_int_equal(RULE(0x0e, 0x80, 0x80, 0x20).kind,
			 RULE_COMPLEX); /* 512 KiB: more than a rule can say */
	assert_int_equal(RULE(0x09, RA, 2).kind, RULE_COMPLEX);   /* return address in a register */
	assert_int_equal(RULE(OFFSET(SP), 4).kind, RULE_COMPLEX); /* the stack pointer was saved */
	assert_int_equal(RULE(0x0f, 3, BREG(SP), 8, 0x06).kind, RULE_COMPLEX); /* in memory at sp + 8 */
	/* gcc: with the register that was before the expression */
	rule = RULE(0x0f, 2, BREG(FP), 0, 0x0e, 16);
	assert_int_equal(rule.kind, RULE_SP);
	assert_int_equal(rule.cfa_words, 2);
	assert_int_equal(RULE(0x2f, FP, 2).fp, RULE_FP_AT_CFA);  /* GNU_negative_offset_extended */
	assert_int_equal(RULE(0x2e, 16, 0x0e, 16).cfa_words, 2); /* GNU_args_size is skipped */
}

#if !UNWIND_RA_VARIES

static void a_call_says_where_it_returns_to(void **state)
{
	struct unwind_rule rule;

	(void)state;
	/* A realigned frame of gcc: CFA in memory at rbp - 8, rbp at rbp + 0. */
	rule = RULE(0x0f, 3, BREG(FP), 0x78, 0x06, 0x10, FP, 2, BREG(FP), 0);
	assert_int_equal(rule.kind, RULE_CELL);
	assert_int_equal(rule.cfa_words, -1);
	assert_int_equal(rule.fp, RULE_FP_AT_FP);
	assert_int_equal(rule.fp_words, 0);
	assert_int_equal(RULE(OFFSET(RA), 2).kind, RULE_COMPLEX); /* return address elsewhere */
	assert_int_equal(RULE(0x2d).kind, RULE_NONE);             /* nothing is signed */
}

#else

static void functions_say_where_they_return_to(void **state)
{
	struct unwind_rule rule;

	(void)state;
	/* stp x29, x30, [sp, #-32]! */
	rule = RULE(0x0e, 32, OFFSET(FP), 4, OFFSET(RA), 3);
	assert_int_equal(rule.kind, RULE_SP);
	assert_int_equal(rule.cfa_words, 4);
	assert_int_equal(rule.fp, RULE_FP_AT_CFA);
	assert_int_equal(rule.fp_words, -4);
	assert_int_equal(rules_ra_slot(rule), -24);
	/* The frame record at the bottom of a large frame, and the CFA on x29. */
	rule = RULE(0x0c, FP, 0x80, 0x04, OFFSET(FP), 0x40, OFFSET(RA), 0x3f);
	assert_int_equal(rule.kind, RULE_FP);
	assert_int_equal(rule.cfa_words, 64);
	assert_int_equal(rules_ra_slot(rule), -0x3f * 8);
	/* x30 alone, far down: the frame pointer is the caller's. */
	rule = RULE(0x0e, 0x80, 0x04, OFFSET(RA), 0x40);
	assert_int_equal(rule.kind, RULE_SP);
	assert_int_equal(rule.fp, RULE_FP_SAME);
	assert_int_equal(rules_ra_slot(rule), -0x40 * 8);
	/* Both, apart from each other as far as a rule can say, in either order, and further. */
	rule = RULE(OFFSET(FP), 20, OFFSET(RA), 5);
	assert_int_equal(rule.fp_words, -20);
	assert_int_equal(rules_ra_slot(rule), -5 * 8);
	rule = RULE(OFFSET(FP), 5, OFFSET(RA), 20);
	assert_int_equal(rule.fp_words, -5);
	assert_int_equal(rules_ra_slot(rule), -20 * 8);
	assert_int_equal(RULE(OFFSET(FP), 21, OFFSET(RA), 5).kind, RULE_COMPLEX);
	assert_int_equal(RULE(OFFSET(FP), 5, OFFSET(RA), 21).kind, RULE_COMPLEX);
	/* Still in its register, as in a function that calls nobody. */
	assert_int_equal(RULE(0x08, RA).kind, RULE_COMPLEX);
	/* gcc's realigned frame of another machine: a rule cannot say that and the return address. */
	assert_int_equal(RULE(0x0f, 3, BREG(FP), 0x78, 0x06, 0x10, FP, 2, BREG(FP), 0).kind,
			 RULE_COMPLEX);
}

/* Signed with either key, or no longer: the same rule. Registers beyond those tracked (d8, of SVE) are skipped. */
static void signatures_and_vectors_change_no_rule(void **state)
{
	static const uint8_t signed_frame[] = { 0x2d, 0x0e, 32, OFFSET(FP), 4, OFFSET(RA), 3 };
	struct unwind_rule plain = RULE(0x0e, 32, OFFSET(FP), 4, OFFSET(RA), 3), rule;

	(void)state;
	rule = rule_of("zR", 1, signed_frame, sizeof(signed_frame));
	assert_memory_equal(&rule, &plain, sizeof(rule));
	rule = rule_of("zRB", 1, signed_frame, sizeof(signed_frame));
	assert_memory_equal(&rule, &plain, sizeof(rule));
	rule = RULE(0x2d, 0x0e, 32, OFFSET(FP), 4, OFFSET(RA), 3, 0x2d);
	assert_memory_equal(&rule, &plain, sizeof(rule));
	rule = RULE(0x0e, 32, OFFSET(FP), 4, OFFSET(RA), 3, 0x05, 72, 2);
	assert_memory_equal(&rule, &plain, sizeof(rule));
}

/* A return address as a function signs it that begins with paciasp. */
static uintptr_t sign(uintptr_t pc)
{
	register uintptr_t x30 __asm__("x30") = pc;

	__asm__("hint #25" : "+r"(x30));
	return x30;
}

static void the_address_to_go_on_at_has_no_signature(void **state)
{
	uintptr_t pc = (uintptr_t)(void *)rules_forget, word = sign(pc);

	(void)state;
	if (getauxval(AT_HWCAP) & HWCAP_PACA)
		assert_int_not_equal(word, pc);
	assert_int_equal(unwind_code(word), pc);
	assert_int_equal(unwind_code(pc), pc);
}

#endif

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
	assert_int_equal(RULE(0x0c, 0x40, 8).kind, RULE_NONE); /* no such register for the CFA */
	assert_int_equal(RULE(0x0f, 0x7f, BREG(FP)).kind,
			 RULE_NONE); /* an expression beyond the entry */
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
	put1(&o, SP);
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
#if !UNWIND_RA_VARIES
		cmocka_unit_test(a_call_says_where_it_returns_to),
#else
		cmocka_unit_test(functions_say_where_they_return_to),
		cmocka_unit_test(signatures_and_vectors_change_no_rule),
		cmocka_unit_test(the_address_to_go_on_at_has_no_signature),
#endif
		cmocka_unit_test(other_kinds_of_entries),
		cmocka_unit_test(impossible_programs_fail),
		cmocka_unit_test(damage_is_harmless),
		cmocka_unit_test(debug_frame_is_read_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
