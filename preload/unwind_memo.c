/* SPDX-License-Identifier: MIT */
/*
 * unwind_memo.c - see unwind_memo.h. Runs in the thread whose stack it is, inside the guard.
 * Entries are overwritten whenever their slot is wanted; a handler that leaves by longjmp in the
 * middle of that leaves an entry without a key.
 */
#include "unwind_memo.h"

#if UNWIND_HAS_RULES

#include "arena.h"

#define ENTRIES    128u
#define FIRST      1024u  /* captures of a thread before it gets a memo */
#define PERIOD     4096u  /* look-ups between two looks at the switch */
#define REST       65536u /* look-ups that an unsuccessful memo sits out */
#define WORTH_PART 2u     /* of PERIOD: fewer hits than 1 in 2 cost more than they save */

static struct memo_entry *entry_of(struct memo *memo, uintptr_t sp, uintptr_t pc)
{
	uint64_t hash = (pc ^ sp << 20) * UINT64_C(0x9E3779B97F4A7C15);

	return &memo->entries[hash >> 57];
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
			memo->entries = arena_map(ENTRIES * sizeof(struct memo_entry));
			memo->lookups = 0;
		}
		return memo->entries != NULL;
	}
	return 1;
}

static int is_unchanged(const struct memo_entry *e)
{
	uintptr_t difference = record_difference(&e->join_mark);
	uint32_t i;

	for (i = 1; i < e->count; i++)
		difference |= record_difference(&e->marks[i]);
	return difference == 0;
}

uint32_t memo_find(struct memo *memo, struct record *r, const struct unwind_state *s, uint32_t epoch)
{
	const struct memo_entry *e;
	uint32_t i, count;

	if (!is_on(memo))
		return 0;
	e = entry_of(memo, s->sp, s->pc);
	if (e->sp != s->sp || e->pc != s->pc || e->epoch != epoch || r->count <= e->join ||
	    r->frames[e->join].node != e->join_node || r->marks[e->join].sp != e->join_mark.sp ||
	    r->marks[e->join].pc != e->join_mark.pc || r->frames[e->join].needs_fp ||
	    !is_unchanged(e))
		return 0;
	r->count = e->join + 1;
	if (!record_verify(r, NULL))
		return 0;
	memo->hits++;
	record_set_slot(r, record_slot(&e->join_mark));
	count = r->count;
	for (i = e->count; i-- > 0; count++) {
		r->marks[count] = e->marks[i];
		r->frames[count] = (struct record_frame){ 0, e->nodes[i], 0, e->own >> i & 1 };
	}
	compiler_barrier(); /* the frames are whole before they count */
	r->count = count;
	return e->nodes[0];
}

void memo_keep(struct memo *memo, const struct record *r, uint32_t count, uint32_t epoch)
{
	uint32_t join = r->count - count - 1, i;
	struct memo_entry *e;

	if (!memo->entries || memo->off || count < 2 || count > MEMO_FRAMES ||
	    r->frames[join].needs_fp)
		return;
	for (i = join + 1; i < r->count; i++)
		if (r->frames[i].needs_fp)
			return;
	e = entry_of(memo, r->marks[r->count - 1].sp, r->marks[r->count - 1].pc);
	e->sp = e->pc = 0;
	compiler_barrier();
	e->epoch = epoch;
	e->count = count;
	e->join = join;
	e->join_mark = r->marks[join];
	e->join_node = r->frames[join].node;
	e->own = 0;
	for (i = 0; i < count; i++) {
		e->marks[i] = r->marks[r->count - 1 - i];
		e->nodes[i] = r->frames[r->count - 1 - i].node;
		e->own |= (uint32_t)r->frames[r->count - 1 - i].is_own << i;
	}
	compiler_barrier(); /* the key comes last */
	e->sp = e->marks[0].sp;
	e->pc = e->marks[0].pc;
}

#endif
