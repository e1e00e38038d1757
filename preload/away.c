/* SPDX-License-Identifier: MIT */
/* away.c - see away.h. Runs when a thread is attached. */
#include "away.h"

#include <stddef.h>
#include <linux/rseq.h>

#include "sys.h"

/*
 * The kernel wants a signature in front of the address at which an aborted sequence goes on (the
 * one that libc registered: RSEQ_SIG of its sys/rseq.h), and checks that even where nothing is
 * aborted.
 */
#if defined(__x86_64__)
#define SIGNATURE ".byte 0x0f, 0xb9, 0x3d\n\t.long 0x53053053" /* ud1 with the signature in it */
#define TRAP      "ud2"
#elif defined(__aarch64__)
#define SIGNATURE ".inst 0xd428bc00"
#define TRAP      "brk #0"
#endif

#ifdef SIGNATURE
__asm__(".pushsection .text\n"
	".hidden away_abort\n"
	".globl away_abort\n"
	".type away_abort, @function\n\t" SIGNATURE "\n"
	"away_abort:\n\t" TRAP "\n"
	".size away_abort, . - away_abort\n"
	".popsection");
extern const char away_abort[] __attribute__((visibility("hidden")));
#else
#define away_abort 0
#endif

const struct away_sequence away_sequence = {
	.start = (uintptr_t)away_abort,
	.bytes = 0,
	.abort = (uintptr_t)away_abort,
};

static uint64_t never_changes = 0;

/* Of glibc 2.35 and later. */
extern const ptrdiff_t __rseq_offset __attribute__((weak));
extern const unsigned int __rseq_size __attribute__((weak));

uint64_t *away_word(void)
{
#ifdef SIGNATURE
	if (&__rseq_size && __rseq_size)
		return (uint64_t *)(void *)((char *)__builtin_thread_pointer() + __rseq_offset +
					    offsetof(struct rseq, rseq_cs));
#endif
	away_arm(&never_changes);
	return &never_changes;
}
