/* SPDX-License-Identifier: MIT */
/*
 * unwind_arch.h - the seam between our own unwinder and the machine: DWARF's register numbers, where
 * a return address lies, what a signal frame looks like. A machine that is not named here has no
 * engine of our own; unwind.c then takes libunwind alone.
 *
 * Sources: System V ABI, AMD64 supplement, figure 3.36 (DWARF register numbers) and section 3.4.1
 * (frame pointer 0 marks the outermost frame); Linux arch/x86/include/uapi/asm/ucontext.h.
 */
#ifndef PRELOAD_UNWIND_ARCH_H
#define PRELOAD_UNWIND_ARCH_H

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

#define UNWIND_HAS_RULES 1

#define UNWIND_REGISTERS 17 /* those that CFI tracks: rax … r15, return address */
#define UNWIND_FP        6  /* rbp */
#define UNWIND_SP        7  /* rsp */
#define UNWIND_RA        16

/* A call pushes the return address: the caller's stack pointer is one word above it. */
#define UNWIND_RA_SLOT (-8)

/* A handler returns to code that makes the system call rt_sigreturn: mov $15,%rax; syscall. */
#define UNWIND_SIGRETURN_BYTES 9
#define UNWIND_SIGRETURN       "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05"

/*
 * The stack pointer is then at a ucontext, whose registers begin with this offset; entry N of the list
 * is the DWARF number of the Nth word there (r8 … r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip).
 */
#define UNWIND_UCONTEXT_REGISTERS 40
#define UNWIND_UCONTEXT_ORDER                                            \
	{                                                                \
		8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, 16 \
	}
#define UNWIND_UCONTEXT_FP (UNWIND_UCONTEXT_REGISTERS + 10 * 8)
#define UNWIND_UCONTEXT_SP (UNWIND_UCONTEXT_REGISTERS + 15 * 8)
#define UNWIND_UCONTEXT_PC (UNWIND_UCONTEXT_REGISTERS + 16 * 8)

#else

#define UNWIND_HAS_RULES 0

#endif

/* libunwind is the engine where there is none of our own, and the oracle of a test build. */
#if UNWIND_HAS_RULES && !defined(SHIM_UNWIND_CHECK)
#define UNWIND_HAS_LIBUNWIND 0
#else
#define UNWIND_HAS_LIBUNWIND 1
#endif

#endif
