/* SPDX-License-Identifier: MIT */
/*
 * hooks_loader.c - the doors to the loader: after objects came or went, the rest of the library
 * hears of it.
 *
 * dlopen means different things to different callers: a name without a slash is looked for along
 * the RPATH of the calling object, and $ORIGIN is the caller's directory; it finds its caller by
 * its return address. So our dlopen is a piece of assembly that leaves the stack as it was and
 * jumps on, either to the real one (then what was loaded is noticed when its code first allocates,
 * see unwind.c), or, when the name is a path and the caller cannot matter, to a wrapper in C.
 * dlmopen needs no door for the same reason, and dlclose does not look at its caller.
 */
#define _GNU_SOURCE
#include "hooks.h"

#include <dlfcn.h>
#include <string.h>

#include "objects.h"
#include "real.h"

/*
 * Called outside the guard: what the loader allocates is the program's doing and was recorded as
 * such.
 */
static void loader_changed(const void *frame)
{
	struct thread *t = thread_enter(frame);

	if (t) {
		objects_refresh();
		thread_leave(t);
	}
	real_loaded();
	hooks_new_loaded();
	hooks_malloc_loaded();
	hooks_jemalloc_loaded();
}

static void *dlopen_path(const char *file, int mode)
{
	void *handle = real.dlopen(file, mode);

	if (handle)
		loader_changed(HERE);
	return handle;
}

/* Where the door leads to: called by the assembly below with dlopen's first argument. */
__attribute__((used)) static void *dlopen_route(const char *file)
{
	if (file && strchr(file, '/') && !strchr(file, '$'))
		return (void *)dlopen_path;
	real_fill(); /* a stub would be the caller that dlopen sees */
	return (void *)real.dlopen;
}

#if defined(__x86_64__)
__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, @function\n"
	"dlopen:\n"
	"	.cfi_startproc\n"
	"	endbr64\n"
	"	push %rdi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	push %rsi\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	sub $8, %rsp\n"
	"	.cfi_adjust_cfa_offset 8\n"
	"	call dlopen_route\n"
	"	add $8, %rsp\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rsi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	pop %rdi\n"
	"	.cfi_adjust_cfa_offset -8\n"
	"	jmp *%rax\n"
	"	.cfi_endproc\n"
	".size dlopen, . - dlopen\n");
#elif defined(__aarch64__)
__asm__(".text\n"
	".globl dlopen\n"
	".type dlopen, %function\n"
	"dlopen:\n"
	"	.cfi_startproc\n"
	"	hint #34\n" /* bti c */
	"	stp x29, x30, [sp, #-32]!\n"
	"	.cfi_def_cfa_offset 32\n"
	"	.cfi_offset 29, -32\n"
	"	.cfi_offset 30, -24\n"
	"	stp x0, x1, [sp, #16]\n"
	"	mov x29, sp\n"
	"	bl dlopen_route\n"
	"	mov x16, x0\n"
	"	ldp x0, x1, [sp, #16]\n"
	"	ldp x29, x30, [sp], #32\n"
	"	.cfi_restore 29\n"
	"	.cfi_restore 30\n"
	"	.cfi_def_cfa_offset 0\n"
	"	br x16\n"
	"	.cfi_endproc\n"
	".size dlopen, . - dlopen\n");
#endif

EXPORT int dlclose(void *handle)
{
	int result = real.dlclose(handle);

	if (result == 0)
		loader_changed(HERE);
	return result;
}
