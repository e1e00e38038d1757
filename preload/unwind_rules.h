/* SPDX-License-Identifier: MIT */
/*
 * unwind_rules.h - for each return address, in one word, how to get to the caller's frame: a table of the
 * process that fills on demand.
 *
 * A rule needs of the registers only the stack and the frame pointer; what needs more is RULE_COMPLEX and
 * left to unwind_full.c. Readers and writers take no lock.
 */
#ifndef PRELOAD_UNWIND_RULES_H
#define PRELOAD_UNWIND_RULES_H

#include <stdint.h>
#include <string.h>

#include "dso.h"
#include "sys.h"
#include "unwind_arch.h"

#if UNWIND_HAS_RULES

struct cfi_row;

/* How the CFA is found. The caller's stack pointer is the CFA. */
enum rule_kind {
	RULE_NONE = 0, /* of an empty slot; never returned */
	RULE_SP,       /* stack pointer + cfa_words */
	RULE_FP,       /* frame pointer + cfa_words */
	RULE_CELL,     /* in memory at frame pointer + cfa_words (a realigned frame of gcc) */
	RULE_SIGNAL,   /* the kernel's frame below a handler: registers lie at the stack pointer */
	RULE_END,      /* the outermost frame */
	RULE_GUESS, /* nothing describes this code: by the frame pointer, where that is consistent */
	RULE_COMPLEX, /* needs other registers */
};

/* Where the caller's frame pointer is. */
enum rule_fp {
	RULE_FP_SAME = 0,
	RULE_FP_AT_CFA, /* in memory at CFA + fp_words */
	RULE_FP_AT_FP,  /* in memory at frame pointer + fp_words */
};

struct unwind_rule {
	uint8_t kind; /* enum rule_kind */
#if UNWIND_RA_VARIES
	uint8_t fp : 2; /* enum rule_fp */
	int8_t near : 5; /* the return address lies so many words beyond fp_words, also when no frame pointer does */
#else
	uint8_t fp : 7; /* enum rule_fp */
#endif
	uint8_t is_own : 1; /* code of this library: no frame of the program's */
	int16_t cfa_words;
	int16_t fp_words;
	uint16_t generation;
};

/* Where RULE finds the return address, from the CFA. */
static inline intptr_t rules_ra_slot(struct unwind_rule rule)
{
#if UNWIND_RA_VARIES
	return (rule.fp_words + rule.near) * 8L;
#else
	(void)rule;
	return UNWIND_RA_SLOT;
#endif
}

struct rules_slot {
	uintptr_t key; /* location + 1; 0 empty; written once */
	uint64_t rule; /* struct unwind_rule; 0 until it is known */
};

struct rules_table {
	uint32_t shift; /* 64 - log2 of the slots */
	uint32_t count;
	uint64_t slots;
	uint64_t reserved[6];
	struct rules_slot slot[];
};

extern struct rules_table *rules_table;
extern uint32_t rules_generation;

/* Prepares the table. 0 or -ENOMEM. Context: start-up only (of the process, or of a forked child). */
int rules_start(void);

/*
 * Code was unloaded: rules found so far are void, and so is what was found with them under another
 * rules_generation. Context: any thread.
 */
void rules_forget(void);

/*
 * The object that holds LOCATION, on the calling thread's stack: name, bias and program headers; it is defined in
 * the trace. 0 or -ENOENT. Context: any thread, inside the guard.
 */
int rules_object(uintptr_t location, struct dso *out);

/*
 * How registers are found at LOCATION in DSO, from what is loaded, else from its file. 0, or -errno when nothing
 * says. Context: any thread, inside the guard.
 */
int rules_row(const struct dso *dso, uintptr_t location, struct cfi_row *row);

/* What ROW comes to; without generation. Context: any thread, signal handler. */
struct unwind_rule rules_of_row(const struct cfi_row *row);

/* The slow half of rules_find: finds and keeps the rule. */
struct unwind_rule rules_find_slow(uintptr_t location);

static inline uint64_t rules_hash(uintptr_t location)
{
	return location * UINT64_C(0x9E3779B97F4A7C15);
}

/*
 * The rule that holds at LOCATION: a return address less 1 (a call that never returns may be the last
 * instruction of its function), or an interrupted instruction.
 * Context: any thread, inside the guard.
 */
static inline struct unwind_rule rules_find(uintptr_t location)
{
	/* acquire: pairs with the release in replace_table */
	const struct rules_table *table = __atomic_load_n(&rules_table, __ATOMIC_ACQUIRE);
	const struct rules_slot *slot = &table->slot[rules_hash(location) >> table->shift];
	struct unwind_rule rule;
	uint64_t word;

	if (likely(__atomic_load_n(&slot->key, __ATOMIC_RELAXED) == location + 1)) {
		word = __atomic_load_n(&slot->rule, __ATOMIC_RELAXED); /* one word: nothing to order */
		memcpy(&rule, &word, sizeof(rule));
		if (likely(rule.kind != RULE_NONE &&
			   rule.generation ==
				   (uint16_t)__atomic_load_n(&rules_generation, __ATOMIC_RELAXED)))
			return rule;
	}
	return rules_find_slow(location);
}

_Static_assert(sizeof(struct unwind_rule) == sizeof(uint64_t), "a rule is one word");

#endif
#endif
