/* SPDX-License-Identifier: MIT */
/*
 * away.h - has this thread been off its CPU since it was last asked? The answer costs one load.
 *
 * The kernel clears the word rseq_cs of a thread's restartable-sequence area whenever it takes the
 * thread off the CPU or delivers a signal to it (linux/rseq.h: "set to NULL … when it detects that
 * it is preempting or delivering a signal outside of the range targeted by rseq_cs"). glibc
 * registers that area for every thread since 2.35. We let the word name a sequence that no
 * instruction belongs to: nothing is ever restarted, and a word that changed says that time may
 * have passed. A program with sequences of its own writes the word, too; then the answer is "yes"
 * once more than needed, and its sequences are not touched, for none calls a hook of ours.
 */
#ifndef PRELOAD_AWAY_H
#define PRELOAD_AWAY_H

#include <stdint.h>

/* Layout of the kernel: struct rseq_cs. */
struct away_sequence {
	uint32_t version;
	uint32_t flags;
	uint64_t start;
	uint64_t bytes;
	uint64_t abort;
} __attribute__((aligned(32)));

extern const struct away_sequence away_sequence;

/*
 * The word of the calling thread. Where the kernel or libc knows no restartable sequences, a word
 * that never changes. Context: any thread.
 */
uint64_t *away_word(void);

/* 1 if the thread of WORD may have been away since away_arm. Context: that thread. */
static inline int away_was(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED) != (uintptr_t)&away_sequence;
}

/* From here on. Context: the thread of WORD. */
static inline void away_arm(uint64_t *word)
{
	__atomic_store_n(word, (uintptr_t)&away_sequence, __ATOMIC_RELAXED);
}

#endif
