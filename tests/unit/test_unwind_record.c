/* SPDX-License-Identifier: MIT */
/*
 * test_unwind_record.c - the record of a stack and the memo beside it, on made-up stacks: what has not changed is
 * kept, what has is dropped from the right frame on, memory that is gone is not touched.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "unwind_memo.h"
#include "unwind_record.h"

#if !UNWIND_HAS_RULES
int main(void)
{
	return 0;
}
#else

#define FRAMES 40
#define WORDS  4 /* of each frame */

/*
 * Where a frame's return address lies below the stack pointer: a call puts it there, or its callee does as it likes;
 * here in another distance for each.
 */
#if UNWIND_RA_VARIES
#define GAP(n) (1 + (n) % 3)
#else
#define GAP(n) 1
#endif

/* Frame N (root first) has its return address in words[N * WORDS], the stack growing to the array's end. */
struct stack {
	uintptr_t *words;
	size_t bytes;
	struct record r;
	struct unwind_walk walk;
};

static uintptr_t *slot_of(struct stack *s, unsigned n)
{
	return &s->words[(FRAMES - n) * WORDS];
}

static uintptr_t sp_of(struct stack *s, unsigned n)
{
	return (uintptr_t)(slot_of(s, n) + GAP(n));
}

static struct unwind_state state_of(struct stack *s, unsigned n, uintptr_t fp)
{
	struct unwind_state state = { .pc = 0x1000 + n, .sp = sp_of(s, n), .fp = fp };

	unwind_set_slot(&state, (uintptr_t)slot_of(s, n));
	return state;
}

static void new_stack(struct stack *s)
{
	struct unwind_state at;
	unsigned i;

	memset(s, 0, sizeof(*s));
	s->bytes = 4096;
	s->words = mmap(NULL, s->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true((void *)s->words != MAP_FAILED);
	assert_int_equal(record_start(&s->r, FRAMES), 0);
	for (i = 0; i < FRAMES; i++) {
		*slot_of(s, i) = 0x1000 + i;
		at = state_of(s, i, 0);
		s->r.marks[i] = record_mark_of(&at);
		s->r.frames[i] = (struct record_frame){ 0, 100 + i, 0, 0 };
	}
	s->r.count = FRAMES;
	s->r.is_plain = 1;
	unwind_walk_begin(&s->walk, sp_of(s, FRAMES - 1), 0, 0);
}

static void an_unchanged_stack_is_verified(void **state)
{
	struct stack s;

	(void)state;
	new_stack(&s);
	assert_true(record_verify(&s.r, &s.walk));
	s.r.is_plain = 0;
	assert_true(record_verify(&s.r, &s.walk));
	assert_int_equal(s.r.count, FRAMES);
}

/* Wherever one return address changes, exactly the frames further out stay. */
static void a_changed_return_address_is_found(void **state)
{
	struct stack s;
	unsigned n, plain;

	(void)state;
	new_stack(&s);
	for (plain = 0; plain < 2; plain++) {
		for (n = 0; n < FRAMES - 1; n++) {
			s.r.count = FRAMES;
			s.r.is_plain = plain;
			(*slot_of(&s, n))++;
			assert_false(record_verify(&s.r, &s.walk));
			assert_int_equal(s.r.count, n);
			(*slot_of(&s, n))--;
		}
	}
}

/* The innermost one that changed decides. */
static void of_two_changes_the_inner_one_counts(void **state)
{
	struct stack s;

	(void)state;
	new_stack(&s);
	*slot_of(&s, 3) = 1;
	*slot_of(&s, 30) = 1;
	assert_false(record_verify(&s.r, &s.walk));
	assert_int_equal(s.r.count, 30);
	assert_false(record_verify(&s.r, &s.walk));
	assert_int_equal(s.r.count, 3);
	assert_true(record_verify(&s.r, &s.walk));
}

static void an_extra_word_counts(void **state)
{
	struct stack s;
	uintptr_t word = 7;
	unsigned plain;

	(void)state;
	new_stack(&s);
	for (plain = 0; plain < 2; plain++) {
		s.r.is_plain = plain;
		s.r.count = FRAMES;
		s.r.extras[0] = (struct record_extra){ (uintptr_t)&word, 7, 20 };
		s.r.extra_count = 1;
		word = 7;
		assert_true(record_verify(&s.r, &s.walk));
		word = 8;
		assert_false(record_verify(&s.r, &s.walk));
		assert_int_equal(s.r.count, 19); /* the caller of frame 20 is another one now */
		assert_true(record_verify(&s.r, &s.walk)); /* and the word is no business of the rest */
	}
}

static void a_stack_that_is_gone_is_not_touched(void **state)
{
	struct stack s;

	(void)state;
	new_stack(&s);
	s.r.is_plain = 0;
	munmap(s.words, s.bytes);
	assert_false(record_verify(&s.r, &s.walk));
	assert_int_equal(s.r.count, FRAMES - 2);
}

static void frames_further_in_are_popped(void **state)
{
	struct stack s;
	struct unwind_state at;

	(void)state;
	new_stack(&s);
	record_pop(&s.r, sp_of(&s, 10));
	assert_int_equal(s.r.count, 11);
	at = state_of(&s, 10, 5);
	assert_true(record_matches(&s.r, &at));
	s.r.frames[10].needs_fp = 1;
	assert_false(record_matches(&s.r, &at));
	s.r.frames[10].fp = 5;
	assert_true(record_matches(&s.r, &at));
	at.is_exact = 1;
	assert_false(record_matches(&s.r, &at));
}

static void what_is_not_on_the_record_leaves_it_alone(void **state)
{
	struct unwind_state at;
	struct stack s;

	(void)state;
	new_stack(&s);
	at = state_of(&s, 10, 0);
	at.pc++;
	assert_false(record_goes_on(&s.r, &at));
	at.pc--;
	s.r.frames[10].needs_fp = 1;
	s.r.frames[10].fp = 5;
	assert_false(record_goes_on(&s.r, &at));
	assert_int_equal(s.r.count, FRAMES);
	at.fp = 5;
	assert_true(record_goes_on(&s.r, &at));
	assert_int_equal(s.r.count, 11);
}

/* Asks until the memo has decided that it is worth its memory. */
static void warm(struct memo *memo, struct record *r)
{
	struct unwind_state nowhere = { .pc = 1, .sp = 1, .fp = 1 };

	while (!memo->entries)
		assert_int_equal(memo_find(memo, r, &nowhere, 1), 0);
}

static void a_way_is_remembered_and_checked(void **state)
{
	struct memo memo = { .entries = NULL };
	struct unwind_state inner;
	struct stack s;

	(void)state;
	new_stack(&s);
	inner = state_of(&s, FRAMES - 1, 0);
	warm(&memo, &s.r);
	memo_keep(&memo, &s.r, 10, 1);
	/* The stack shrank and came back. */
	s.r.count = FRAMES - 6;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 100 + FRAMES - 1);
	assert_int_equal(s.r.count, FRAMES - 6);
	/* Further in than its end the record may tell of another stack. */
	s.r.marks[FRAMES - 9].pc++;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 100 + FRAMES - 1);
	s.r.marks[FRAMES - 9].pc--;
	/* Not after all was forgotten, not with another frame in between, not from another stack further out. */
	assert_int_equal(memo_find(&memo, &s.r, &inner, 2), 0);
	(*slot_of(&s, FRAMES - 4))++;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 0);
	(*slot_of(&s, FRAMES - 4))--;
	(*slot_of(&s, FRAMES - 11))++;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 0);
	(*slot_of(&s, FRAMES - 11))--;
	s.r.frames[FRAMES - 11].node++;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 0);
	s.r.frames[FRAMES - 11].node--;
	s.r.count = FRAMES - 11;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 0);
	s.r.count = FRAMES;
	(*slot_of(&s, 5))++;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 0);
	(*slot_of(&s, 5))--;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 100 + FRAMES - 1);
}

static void a_way_holds_while_extra_words_further_out_do(void **state)
{
	struct memo memo = { .entries = NULL };
	struct unwind_state inner;
	uintptr_t outer = 7, within = 7;
	struct stack s;

	(void)state;
	new_stack(&s);
	inner = state_of(&s, FRAMES - 1, 0);
	warm(&memo, &s.r);
	memo_keep(&memo, &s.r, 10, 1);
	s.r.extras[0] = (struct record_extra){ (uintptr_t)&outer, 7, FRAMES - 11 };
	s.r.extras[1] = (struct record_extra){ (uintptr_t)&within, 7, FRAMES - 10 };
	s.r.extra_count = 2;
	within = 8; /* of frames that the chain has in other places */
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 100 + FRAMES - 1);
	outer = 8;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 0);
}

static void a_way_over_frame_pointers_is_not_remembered(void **state)
{
	struct memo memo = { .entries = NULL };
	struct unwind_state inner;
	struct stack s;

	(void)state;
	new_stack(&s);
	inner = state_of(&s, FRAMES - 1, 0);
	warm(&memo, &s.r);
	s.r.frames[FRAMES - 2].needs_fp = 1;
	memo_keep(&memo, &s.r, 10, 1);
	s.r.frames[FRAMES - 2].needs_fp = 0;
	s.r.count = FRAMES - 6;
	assert_int_equal(memo_find(&memo, &s.r, &inner, 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unchanged_stack_is_verified),
		cmocka_unit_test(a_changed_return_address_is_found),
		cmocka_unit_test(of_two_changes_the_inner_one_counts),
		cmocka_unit_test(an_extra_word_counts),
		cmocka_unit_test(a_stack_that_is_gone_is_not_touched),
		cmocka_unit_test(frames_further_in_are_popped),
		cmocka_unit_test(what_is_not_on_the_record_leaves_it_alone),
		cmocka_unit_test(a_way_is_remembered_and_checked),
		cmocka_unit_test(a_way_holds_while_extra_words_further_out_do),
		cmocka_unit_test(a_way_over_frame_pointers_is_not_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
