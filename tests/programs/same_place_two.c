/* SPDX-License-Identifier: MIT */
/*
 * Not a program: a shared object for same_place that needs no other one. In same_place_one and same_place_two the
 * same instructions lie at the same places, but the frames are of different sizes. They lie at the next multiple of
 * 2 MB, so what is mapped between two loads does not move them.
 */
/* build: -shared -fPIC -nostdlib -Wl,-z,max-page-size=0x200000 */
void same_place_two_run(void (*f)(void));

__asm__(".text\n"
	".globl same_place_two_run\n"
	".type same_place_two_run, @function\n"
	"same_place_two_run:\n"
	"	.cfi_startproc\n"
#if defined(__x86_64__)
	"	sub $392, %rsp\n" /* four bytes of a number in both objects */
	"	.cfi_adjust_cfa_offset 392\n"
	"	call *%rdi\n"
	"	add $392, %rsp\n"
	"	.cfi_adjust_cfa_offset -392\n"
	"	ret\n"
#elif defined(__aarch64__)
	"	sub sp, sp, #400\n"
	"	.cfi_adjust_cfa_offset 400\n"
	"	str x30, [sp, #392]\n"
	"	.cfi_offset 30, -8\n"
	"	blr x0\n"
	"	ldr x30, [sp, #392]\n"
	"	add sp, sp, #400\n"
	"	.cfi_adjust_cfa_offset -400\n"
	"	ret\n"
#endif
	"	.cfi_endproc\n"
	".size same_place_two_run, . - same_place_two_run\n");
