/* SPDX-License-Identifier: MIT */
/*
 * unwind_arch.h - the seam between our own unwinder and the machine: DWARF's register numbers, where
 * a return address lies, what a signal frame looks like. A machine that is not named here has no
 * engine of our own; unwind.c then takes libunwind alone.
 *
 * Sources: System V ABI, AMD64 supplement, figure 3.36 (DWARF register numbers) and section 3.4.1
 * (frame pointer 0 marks the outermost frame); Linux arch/x86/include/uapi/asm/ucontext.h. DWARF for the
 * Arm 64-bit Architecture, section 4.1; Procedure Call Standard for the same, section 6.4.6 (the frame
 * record); Linux arch/arm64/include/uapi/asm/sigcontext.h; Arm Architecture Reference Manual, C6.2 (BL, BLR,
 * BLRA, XPACLRI), C8.2 (CNTD).
 */
#ifndef PRELOAD_UNWIND_ARCH_H
#define PRELOAD_UNWIND_ARCH_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/auxv.h>

#if defined(__x86_64__)

#define UNWIND_HAS_RULES 1

#define UNWIND_REGISTERS 17 /* those that CFI tracks: rax … r15, return address */
#define UNWIND_FP        6  /* rbp */
#define UNWIND_SP        7  /* rsp */
#define UNWIND_RA        16
#define UNWIND_PC        16 /* where a frame goes on: what a return address becomes */

/* A call pushes the return address: the caller's stack pointer is one word above it. */
#define UNWIND_RA_VARIES 0
#define UNWIND_RA_SLOT   (-8)

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

/*
 * The registers that a callee must keep, of this very place, into V by their numbers: a macro, so that it
 * is the frame of the function that uses it.
 */
#define UNWIND_READ_REGISTERS(v)                                            \
	__asm__ volatile("movq %%rbx, 3*8(%0)\n\tmovq %%rbp, 6*8(%0)\n\t"   \
			 "movq %%rsp, 7*8(%0)\n\tmovq %%r12, 12*8(%0)\n\t"  \
			 "movq %%r13, 13*8(%0)\n\tmovq %%r14, 14*8(%0)\n\t" \
			 "movq %%r15, 15*8(%0)\n\tleaq 0(%%rip), %%rax\n\t" \
			 "movq %%rax, 16*8(%0)"                             \
			 :                                                  \
			 : "D"(v)                                           \
			 : "rax", "memory")
#define UNWIND_REGISTERS_READ (1u << 3 | 1u << 6 | 1u << 7 | 0xfu << 12 | 1u << 16)

/* The frame of the function that uses it: caller's frame pointer, return address; above lies the caller's stack. */
#define UNWIND_HERE ((const uintptr_t *)__builtin_frame_address(0))

static inline uintptr_t unwind_caller_sp(const uintptr_t *here)
{
	return (uintptr_t)(here + 2);
}

/* The address that a return address leads to. */
static inline uintptr_t unwind_code(uintptr_t word)
{
	return word;
}

/* What register NUMBER of DWARF holds in every frame alike: 0, or -EINVAL when it is none of these. */
static inline int unwind_constant(uint64_t number, uintptr_t *out)
{
	(void)number;
	(void)out;
	return -EINVAL;
}

#elif defined(__aarch64__)

#define UNWIND_HAS_RULES 1

#define UNWIND_REGISTERS 32 /* x0 … x30, sp */
#define UNWIND_FP        29
#define UNWIND_SP        31
#define UNWIND_RA        30
#define UNWIND_PC \
	32 /* of no number in DWARF: x30 outlives a call, and a handler may interrupt in between */

/* Where a function saves its return address is its own affair: each rule says so. */
#define UNWIND_RA_VARIES          1

/* mov x8, #139; svc #0. Where the vdso describes it, it is marked as a signal frame. */
#define UNWIND_SIGRETURN_BYTES    8
#define UNWIND_SIGRETURN          "\x68\x11\x80\xd2\x01\x00\x00\xd4"

/* Below the ucontext lies a siginfo of 128 bytes; in it, x0 … x30, sp, pc after 184. */
#define UNWIND_UCONTEXT_REGISTERS (128 + 184)
#define UNWIND_UCONTEXT_ORDER                                                                     \
	{                                                                                         \
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
			23, 24, 25, 26, 27, 28, 29, 30                                            \
	}
#define UNWIND_UCONTEXT_FP (UNWIND_UCONTEXT_REGISTERS + 29 * 8)
#define UNWIND_UCONTEXT_SP (UNWIND_UCONTEXT_REGISTERS + 31 * 8)
#define UNWIND_UCONTEXT_PC (UNWIND_UCONTEXT_REGISTERS + 32 * 8)

/* As above. */
#define UNWIND_READ_REGISTERS(v)                                                      \
	__asm__ volatile("stp x19, x20, [%0, #19*8]\n\tstp x21, x22, [%0, #21*8]\n\t" \
			 "stp x23, x24, [%0, #23*8]\n\tstp x25, x26, [%0, #25*8]\n\t" \
			 "stp x27, x28, [%0, #27*8]\n\tstr x29, [%0, #29*8]\n\t"      \
			 "mov x16, sp\n\tstr x16, [%0, #31*8]\n\t"                    \
			 "adr x16, .\n\tstr x16, [%0, #32*8]"                         \
			 :                                                            \
			 : "r"(v)                                                     \
			 : "x16", "memory")
#define UNWIND_REGISTERS_READ (UINT64_C(0x7ff) << 19 | UINT64_C(1) << 31 | UINT64_C(1) << 32)

/*
 * The frame record may lie anywhere in a frame, so the caller's stack pointer is a third word. It lives as
 * long as the block that uses it.
 */
#if defined(__clang__)
#define UNWIND_CFA ((uintptr_t)__builtin_frame_address(0) + 16) /* clang puts the record on top */
#else
#define UNWIND_CFA ((uintptr_t)__builtin_dwarf_cfa())
#endif
#define UNWIND_HERE                                                           \
	((const uintptr_t[]){ *(const uintptr_t *)__builtin_frame_address(0), \
			      (uintptr_t)__builtin_return_address(0), UNWIND_CFA })

static inline uintptr_t unwind_caller_sp(const uintptr_t *here)
{
	return here[2];
}

/* Without the signature that a function compiled with -mbranch-protection gives its return address. */
static inline uintptr_t unwind_code(uintptr_t word)
{
	register uintptr_t x30 __asm__("x30") = word;

	__asm__("hint #7" : "+r"(x30)); /* xpaclri; nothing where the machine has no signatures */
	return x30;
}

#define UNWIND_VG 46

/* As above. A vector register of SVE has so many double words; frames with such in them are measured by it. */
static inline int unwind_constant(uint64_t number, uintptr_t *out)
{
	register uintptr_t x0 __asm__("x0");

	if (number != UNWIND_VG || !(getauxval(AT_HWCAP) & HWCAP_SVE))
		return -EINVAL;
	__asm__(".inst 0x04e0e3e0"
		: "=r"(x0)); /* cntd x0, which an assembler knows only if told to */
	*out = x0;
	return 0;
}

#else

#define UNWIND_HAS_RULES 0

#endif

/*
 * libunwind is the engine where there is none of our own, and the oracle of a test build. On aarch64 the
 * oracle is libgcc's unwinder, behind backtrace().
 */
#if UNWIND_HAS_RULES && (!defined(SHIM_UNWIND_CHECK) || defined(__aarch64__))
#define UNWIND_HAS_LIBUNWIND 0
#else
#define UNWIND_HAS_LIBUNWIND 1
#endif

#endif
