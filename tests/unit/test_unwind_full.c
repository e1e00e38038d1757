/* SPDX-License-Identifier: MIT */
/*
 * test_unwind_full.c - walks over frames that need every register: the CFA on a register that callees keep, the CFA in
 * memory by an expression, a signal frame; where the machine leaves that open, also the return address in a register, and
 * a signed one. libgcc's unwinder, behind backtrace(), is the judge.
 */
#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unwind_full.h"

#if !UNWIND_HAS_RULES
int main(void)
{
	return 0;
}
#else

#define MAX 128

#if defined(__x86_64__)

/* Realigns its frame and remembers the old stack pointer in rbx. */
void call_on_register(void (*f)(void));
__asm__(".text\n.type call_on_register, @function\n"
	"call_on_register:\n"
	"	.cfi_startproc\n"
	"	push %rbx\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbx, -16\n"
	"	mov %rsp, %rbx\n"
	"	.cfi_def_cfa_register %rbx\n"
	"	sub $200, %rsp\n"
	"	and $-128, %rsp\n"
	"	call *%rdi\n"
	"	mov %rbx, %rsp\n"
	"	.cfi_def_cfa_register %rsp\n"
	"	pop %rbx\n"
	"	.cfi_def_cfa_offset 8\n"
	"	.cfi_restore %rbx\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call_on_register, . - call_on_register\n");

/* Realigns its frame and keeps the old stack pointer at the new one: CFA is *(rsp) + 8. */
void call_on_memory(void (*f)(void));
__asm__(".text\n.type call_on_memory, @function\n"
	"call_on_memory:\n"
	"	.cfi_startproc\n"
	"	mov %rsp, %rax\n"
	"	.cfi_def_cfa_register %rax\n"
	"	sub $100, %rsp\n"
	"	and $-64, %rsp\n"
	"	mov %rax, (%rsp)\n"
	"	.cfi_escape 0x0f, 5, 0x77, 0, 0x06, 0x23, 8\n"
	"	call *%rdi\n"
	"	mov (%rsp), %rsp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call_on_memory, . - call_on_memory\n");

#else

/* Realigns its frame and remembers the old stack pointer in x19. */
void call_on_register(void (*f)(void));
__asm__(".text\n.type call_on_register, %function\n"
	"call_on_register:\n"
	"	.cfi_startproc\n"
	"	stp x19, x30, [sp, #-16]!\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset 19, -16\n"
	"	.cfi_offset 30, -8\n"
	"	mov x19, sp\n"
	"	.cfi_def_cfa_register 19\n"
	"	sub x9, sp, #208\n"
	"	and sp, x9, #-128\n"
	"	blr x0\n"
	"	mov sp, x19\n"
	"	.cfi_def_cfa_register 31\n"
	"	ldp x19, x30, [sp], #16\n"
	"	.cfi_restore 19\n"
	"	.cfi_restore 30\n"
	"	.cfi_def_cfa_offset 0\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call_on_register, . - call_on_register\n");

/* Realigns its frame and keeps the old stack pointer at the new one: CFA is *(sp). */
void call_on_memory(void (*f)(void));
__asm__(".text\n.type call_on_memory, %function\n"
	"call_on_memory:\n"
	"	.cfi_startproc\n"
	"	str x30, [sp, #-16]!\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset 30, -16\n"
	"	add x9, sp, #16\n"
	"	.cfi_def_cfa 9, 0\n"
	"	sub x10, sp, #112\n"
	"	and sp, x10, #-64\n"
	"	str x9, [sp]\n"
	"	.cfi_escape 0x0f, 3, 0x8f, 0, 0x06\n"
	"	blr x0\n"
	"	ldr x9, [sp]\n"
	"	.cfi_def_cfa 9, 0\n"
	"	sub sp, x9, #16\n"
	"	.cfi_def_cfa 31, 16\n"
	"	ldr x30, [sp], #16\n"
	"	.cfi_restore 30\n"
	"	.cfi_def_cfa_offset 0\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call_on_memory, . - call_on_memory\n");

/* Keeps its return address in x20. */
void call_linked_in_register(void (*f)(void));
__asm__(".text\n.type call_linked_in_register, %function\n"
	"call_linked_in_register:\n"
	"	.cfi_startproc\n"
	"	str x20, [sp, #-16]!\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset 20, -16\n"
	"	mov x20, x30\n"
	"	.cfi_register 30, 20\n"
	"	blr x0\n"
	"	mov x30, x20\n"
	"	.cfi_restore 30\n"
	"	ldr x20, [sp], #16\n"
	"	.cfi_restore 20\n"
	"	.cfi_def_cfa_offset 0\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call_linked_in_register, . - call_linked_in_register\n");

/* Signs its return address, far from the frame pointer that it saves; paciasp and autiasp are hints. */
void call_signed(void (*f)(void));
__asm__(".text\n.type call_signed, %function\n"
	"call_signed:\n"
	"	.cfi_startproc\n"
	"	hint #25\n"
	"	.cfi_negate_ra_state\n"
	"	sub sp, sp, #192\n"
	"	.cfi_def_cfa_offset 192\n"
	"	str x29, [sp, #8]\n"
	"	.cfi_offset 29, -184\n"
	"	str x30, [sp, #176]\n"
	"	.cfi_offset 30, -16\n"
	"	mov x29, xzr\n"
	"	blr x0\n"
	"	ldr x29, [sp, #8]\n"
	"	.cfi_restore 29\n"
	"	ldr x30, [sp, #176]\n"
	"	.cfi_restore 30\n"
	"	add sp, sp, #192\n"
	"	.cfi_def_cfa_offset 0\n"
	"	hint #29\n"
	"	.cfi_negate_ra_state\n"
	"	ret\n"
	"	.cfi_endproc\n"
	".size call_signed, . - call_signed\n");

#endif

static struct {
	size_t ours, theirs;
	struct unwind_frame frames[MAX];
	void *judge[MAX];
	enum unwind_result result;
} seen;

/* Both walks, from the caller of this function on. */
static __attribute__((noinline)) void look(void)
{
	uintptr_t sp = unwind_caller_sp(UNWIND_HERE);
	struct unwind_walk walk;

	unwind_walk_begin(&walk, sp, 0, 0);
	seen.result = unwind_full(&walk, sp, seen.frames, MAX, &seen.ours);
	seen.theirs = (size_t)backtrace(seen.judge, MAX);
}

/* The judge's first frames are look() itself and, with sanitizers, what they put around backtrace(). */
static void assert_same(void)
{
	size_t own = 0, i;

	while (own < seen.theirs && (uintptr_t)seen.judge[own] != seen.frames[0].pc)
		own++;
	assert_int_equal(seen.result, UNWIND_ROOT);
	assert_int_equal(seen.ours, seen.theirs - own);
	for (i = 0; i < seen.ours; i++)
		assert_int_equal(seen.frames[i].pc, (uintptr_t)seen.judge[own + i]);
}

static volatile int calls;

static __attribute__((noinline)) void over_memory(void)
{
	call_on_memory(look);
	calls++;
}

static __attribute__((noinline)) void over_both(void)
{
	call_on_register(over_memory);
	calls++;
}

static void plain_frames(void **state)
{
	(void)state;
	look();
	assert_same();
	assert_true(seen.ours > 2);
}

static void frames_that_need_more_registers(void **state)
{
	(void)state;
	call_on_register(look);
	assert_same();
	over_memory();
	assert_same();
	over_both();
	assert_same();
	call_on_memory(over_both);
	assert_same();
}

#if UNWIND_RA_VARIES
static __attribute__((noinline)) void over_links(void)
{
	call_linked_in_register(look);
	assert_same();
	call_signed(look);
	assert_same();
	call_signed(over_both);
	assert_same();
	calls++;
}

static void return_addresses_wherever_they_are(void **state)
{
	(void)state;
	over_links();
	call_linked_in_register(over_links);
	call_signed(over_links);
}
#endif

static void on_signal(int number)
{
	(void)number;
	over_both();
}

static void frames_below_a_handler(void **state)
{
	size_t i, exact = 0;

	(void)state;
	signal(SIGUSR1, on_signal);
	raise(SIGUSR1);
	assert_same();
	for (i = 0; i < seen.ours; i++)
		exact += seen.frames[i].is_exact;
	assert_int_equal(exact, 1);
}

static void no_more_than_asked_for(void **state)
{
	uintptr_t sp = unwind_caller_sp(UNWIND_HERE);
	struct unwind_walk walk;
	size_t count;

	(void)state;
	unwind_walk_begin(&walk, sp, 0, 0);
	assert_int_equal(unwind_full(&walk, sp, seen.frames, 2, &count), UNWIND_CUT);
	assert_int_equal(count, 2);
	assert_int_equal(unwind_full(&walk, 8, seen.frames, MAX, &count), UNWIND_CUT);
	assert_int_equal(count, 0);
}

/* A rule stays what it was while the table grows around it, and is found anew when all are void. */
static void rules_are_kept_while_the_table_grows(void **state)
{
	uintptr_t from = (uintptr_t)(void *)qsort, i;
	struct unwind_rule first = rules_find(from + 4), again;

	(void)state;
	assert_int_not_equal(first.kind, RULE_GUESS);
	for (i = 0; i < 30000; i++)
		assert_int_not_equal(rules_find(from + i).kind, RULE_NONE);
	again = rules_find(from + 4);
	assert_memory_equal(&first, &again, sizeof(first));
	rules_forget();
	again = rules_find(from + 4);
	assert_int_equal(again.kind, first.kind);
	assert_int_equal(again.cfa_words, first.cfa_words);
	assert_int_not_equal(again.generation, first.generation);
}

static void memory_that_is_no_code_has_no_object(void **state)
{
	struct dso dso;
	uintptr_t local = 0;

	(void)state;
	assert_int_not_equal(rules_object((uintptr_t)&local, &dso), 0);
	assert_int_equal(rules_find((uintptr_t)&local).kind, RULE_GUESS);
	assert_int_equal(rules_object((uintptr_t)(void *)qsort, &dso), 0);
	assert_true(dso.phdr_count > 2);
}

static int start(void **state)
{
	(void)state;
	return rules_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_frames),
		cmocka_unit_test(frames_that_need_more_registers),
#if UNWIND_RA_VARIES
		cmocka_unit_test(return_addresses_wherever_they_are),
#endif
		cmocka_unit_test(frames_below_a_handler),
		cmocka_unit_test(no_more_than_asked_for),
		cmocka_unit_test(rules_are_kept_while_the_table_grows),
		cmocka_unit_test(memory_that_is_no_code_has_no_object),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}

#endif
