/* SPDX-License-Identifier: MIT */
/*
 * Calls through code that is made at run time and that nothing describes: with frame pointers, so that a walk can go
 * on; and without, with something else in the register, which must end the stack, and not lead to a function that
 * never called. The first kind and the second lie at the same place by turns.
 * A perfect report says:
 * truth: leak framed_leak 300 3000
 * truth: leak through_framed 300 3000
 * truth: leak bare_leak 300 6000
 * truth: leak through_bare 0 0
 * truth: leak decoy 0 0
 * truth: leak main 300 3000
 * truth: truncated
 */
/* build: -O2 -fno-omit-frame-pointer -fno-optimize-sibling-calls */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NOINLINE __attribute__((noinline))

static void *volatile sink;
static volatile int touch;

typedef void (*made_code)(void (*f)(void), uintptr_t other);

#if defined(__x86_64__)

/* push %rbp; mov %rsp,%rbp; sub $N,%rsp; call *%rdi; leave; ret */
static const uint8_t framed[] = { 0x55, 0x48, 0x89, 0xe5, 0x48, 0x83,
				  0xec, 0x20, 0xff, 0xd7, 0xc9, 0xc3 };
#define FRAMED_SIZE_AT 7

/* push %rbp; sub $32,%rsp; mov %rsi,%rbp; call *%rdi; add $32,%rsp; pop %rbp; ret */
static const uint8_t bare[] = { 0x55, 0x48, 0x83, 0xec, 0x20, 0x48, 0x89, 0xf5,
				0xff, 0xd7, 0x48, 0x83, 0xc4, 0x20, 0x5d, 0xc3 };

#else

/* stp x29,x30,[sp,#-32]!; mov x29,sp; blr x0; ldp x29,x30,[sp],#32; ret */
static const uint32_t framed[] = { 0xa9be7bfd, 0x910003fd, 0xd63f0000, 0xa8c27bfd, 0xd65f03c0 };
#define FRAMED_SIZE_AT (-1)

/* stp x29,x30,[sp,#-32]!; mov x29,x1; blr x0; ldp x29,x30,[sp],#32; ret */
static const uint32_t bare[] = { 0xa9be7bfd, 0xaa0103fd, 0xd63f0000, 0xa8c27bfd, 0xd65f03c0 };

#endif

static uint8_t *place;

static made_code make(const void *code, size_t size, int room)
{
	made_code made;

	mprotect(place, 4096, PROT_READ | PROT_WRITE);
	memset(place, 0, 4096);
	memcpy(place + 64, code, size);
	if (FRAMED_SIZE_AT >= 0 && code == framed)
		place[64 + FRAMED_SIZE_AT] = (uint8_t)room;
	mprotect(place, 4096, PROT_READ | PROT_EXEC);
	__builtin___clear_cache((char *)place, (char *)place + 4096);
	*(void **)&made = place + 64;
	return made;
}

NOINLINE static void framed_leak(void)
{
	sink = malloc(10);
	touch++;
}

NOINLINE static void bare_leak(void)
{
	sink = malloc(20);
	touch++;
}

/* Its address is on the stack, as a return address would be, but nobody has called it. */
NOINLINE static void decoy(void)
{
	sink = malloc(30);
	touch++;
}

NOINLINE static void through_framed(int room)
{
	make(framed, sizeof(framed), room)(framed_leak, 0);
	touch++;
}

/* WHICH: what stands in the frame pointer. */
NOINLINE static void through_bare(int which)
{
	uintptr_t fake[4] = { (uintptr_t)fake, (uintptr_t)decoy, (uintptr_t)fake,
			      (uintptr_t)decoy + 1 };
	const uintptr_t values[] = { (uintptr_t)fake,        (uintptr_t)(fake + 2),
				     (uintptr_t)place,       (uintptr_t)&touch,
				     (uintptr_t)fake + 3,    1,
				     UINTPTR_MAX - 15,       (uintptr_t)decoy,
				     (uintptr_t)fake - 65536 };

	__asm__ volatile("" : : "r"(fake) : "memory");
	make(bare, sizeof(bare), 0)(bare_leak,
				    values[(size_t)which % (sizeof(values) / sizeof(*values))]);
	touch++;
}

int main(void)
{
	int i;

	place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (i = 0; i < 300; i++) {
		through_framed(16 + i % 4 * 16);
		through_bare(i);
	}
	if (touch < 0)
		decoy();
	puts("jit_frames: done");
	return 0;
}
