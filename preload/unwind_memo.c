/* SPDX-License-Identifier: MIT */
/*
 * unwind_memo.c - see unwind_memo.h. Runs in the thread whose stack it is, inside the guard.
 * Entries are overwritten whenever their slot is wanted; a handler that leaves by longjmp in the
 * middle of that leaves an entry without a key.
 */
#include "unwind_memo.h"

#if UNWIND_HAS_RULES

#include "arena.h"

#define ENTRY_BITS 8
#define FIRST      1024u  /* captures of a thread before it gets a memo */
#define PERIOD     4096u  /* look-ups between two looks at the switch */
#define REST       65536u /* look-ups that an unsuccessful memo sits out */
#define WORTH_PART 2u     /* of PERIOD: fewer hits than 1 in 2 cost more than they save */

static struct memo_entry *entry_of(struct memo *memo, uintptr_t sp, uintptr_t pc)
{
	uint64_t hash = (pc ^ sp << 20) * UINT64_C(0x9E3779B97F4A7C15);

	return &memo->entries[hash >> (64 - ENTRY_BITS)];
}

/* 1 if the memo is to be asked now. */
static int is_on(struct memo *memo)
{
	if (unlikely(memo->off)) {
		memo->off--;
		return 0;
	}
	if (unlikely(++memo->lookups >= PERIOD)) {
		if (memo->hits < PERIOD / WORTH_PART)
			memo->off = REST;
		memo->lookups = memo->hits = 0;
	}
	if (unlikely(!memo->entries)) {
		if (memo->lookups == FIRST) {
			memo->entries = arena_map(sizeof(struct memo_entry) << ENTRY_BITS);
			memo->lookups = 0;
		}
		return memo->entries != NULL;
	}
	return 1;
}

/* 1 if E's chain is in memory, as far as the frame that it ends at. */
static inline int is_there(const struct memo_entry *e)
{
	uintptr_t difference = 0;
	uint32_t i;

	for (i = 1; i <= e->count; i++)
		difference |= record_word(e->sp + e->slot_words[i] * sizeof(uintptr_t)) ^ e->pcs[i];
	return SHIM_UNWIND_MUTANT == 1 || difference == 0;
}

uint32_t memo_find(struct memo *memo, const struct record *r, const struct unwind_state *s,
		   uint32_t epoch)
{
	const struct memo_entry *e;

	if (!is_on(memo))
		return 0;
	e = entry_of(memo, s->sp, s->pc);
	if (e->sp != s->sp || e->pc != s->pc || e->epoch != epoch || r->count <= e->join ||
	    r->frames[e->join].node != e->join_node || r->marks[e->join].sp != e->join_sp ||
	    r->marks[e->join].pc != e->pcs[e->count] || r->frames[e->join].needs_fp ||
	    !is_there(e) || !record_has_outer(r, e->join))
		return 0;
	memo->hits++;
	return e->node;
}

void memo_keep(struct memo *memo, const struct record *r, uint32_t count, uint32_t epoch)
{
	uint32_t inner = r->count - 1, join = inner - count, i;
	uintptr_t words;
	struct memo_entry *e;

	if (!memo->entries || memo->off || count < 2 || count > MEMO_FRAMES)
		return;
	for (i = join; i <= inner; i++)
		if (r->frames[i].needs_fp)
			return;
	e = entry_of(memo, r->marks[inner].sp, r->marks[inner].pc);
	e->sp = e->pc = 0;
	compiler_barrier();
	for (i = 1; i <= count; i++) {
		words = (record_slot(&r->marks[inner - i]) - r->marks[inner].sp) / sizeof(uintptr_t);
		if (words > UINT16_MAX)
			return;
		e->slot_words[i] = (uint16_t)words;
		e->pcs[i] = r->marks[inner - i].pc;
	}
	e->epoch = epoch;
	e->count = count;
	e->node = r->frames[inner].node;
	e->join = join;
	e->join_node = r->frames[join].node;
	e->join_sp = r->marks[join].sp;
	compiler_barrier(); /* the key comes last */
	e->sp = r->marks[inner].sp;
	e->pc = r->marks[inner].pc;
}

#endif
