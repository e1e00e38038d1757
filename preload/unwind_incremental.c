/* SPDX-License-Identifier: MIT */
/*
 * unwind_incremental.c - see unwind_incremental.h. Runs in the thread whose stack it is,
 * inside the guard, so never twice at once in a thread; a handler that interrupts it and
 * leaves by longjmp finds whole records (unwind_record.h). Allocates from the arena alone,
 * takes no lock but that of a new stack node.
 *
 * Depth: up to config.depth frames a stack hangs below its root, and each recorded frame
 * knows its node. A deeper stack keeps its innermost frames below SHIM_STACK_TRUNCATED:
 * then a node depends on where the stack ends, only the innermost frame's is known, and the
 * record need not reach the root.
 */
#define _GNU_SOURCE
#include "unwind_incremental.h"

#if UNWIND_HAS_RULES

#include <errno.h>
#include <pthread.h>

#include "arena.h"
#include "config.h"
#include "shim_trace.h"
#include "stacks.h"
#include "unwind_full.h"
#include "unwind_memo.h"
#include "unwind_record.h"
#include "unwind_step.h"

#define RECORDS      4 /* of one thread: its own stack and three others (coroutines, signal stacks) */
#define NEAR_BYTES   (64u << 10)  /* below a recorded stack pointer, still the same stack */
#define MAIN_MAX     (100u << 20) /* the kernel keeps at least 128 MiB free below the main stack */
#define ATTEMPTS_MAX 3            /* code may be unloaded during a capture, but not for ever */

/* A frame that is new in this capture. */
struct fresh {
	struct unwind_state state;
	struct unwind_rule rule;
};

struct unwind_trace {
	uint32_t generation; /* rules_generation that records are of */
	uint32_t depth;      /* config.depth */
	uint32_t fresh_max;
	uint32_t epoch;  /* counts forget_all(): each thread that uses this memory has others */
	uint32_t victim; /* the next foreign record to be given another stack */
	struct record records[RECORDS]; /* the first one: the thread's own stack */
	struct memo memo;               /* of records[0] */
	struct fresh *fresh;            /* innermost first */
};

/* One capture on its way. */
struct capture {
	struct unwind_trace *trace;
	struct record *record;
	struct unwind_walk walk;
	uint32_t count; /* of fresh frames */
	uint32_t keep_from; /* fresh frames from here on go into the record: those before lie on a signal frame */
	uint32_t is_joined;
	enum unwind_result result; /* if not joined */
	struct unwind_state last; /* if not joined: the state after the last frame, as far as it was read */
};

extern void *__libc_stack_end; /* of the dynamic linker: where the main thread's stack begins */

static void forget_all(struct unwind_trace *trace)
{
	unsigned i;

	for (i = 0; i < RECORDS; i++)
		trace->records[i].count = 0;
	trace->epoch++;
	trace->generation = __atomic_load_n(&rules_generation, __ATOMIC_ACQUIRE);
}

int incremental_start(void)
{
	return rules_start();
}

int incremental_thread_start(struct thread *t)
{
	struct unwind_trace *trace = t->trace;

	if (trace) {
		forget_all(trace); /* of a thread that has ended, with a stack elsewhere */
		return 0;
	}
	trace = arena_alloc(sizeof(*trace));
	if (!trace)
		return -ENOMEM;
	trace->depth = config.depth;
	trace->fresh_max = 2 * config.depth;
	trace->generation = rules_generation;
	trace->fresh = arena_map(trace->fresh_max * sizeof(*trace->fresh));
	if (!trace->fresh || record_start(&trace->records[0], 3 * config.depth + 64))
		return -ENOMEM;
	t->trace = trace;
	return 0;
}

/* ---- whose stack is it? ---- */

/*
 * 1 if SP lies on the stack that the kernel made for the program; then *LOW and *HIGH are
 * its bounds.
 */
static int is_main_stack(uintptr_t sp, uintptr_t *low, uintptr_t *high)
{
	uint64_t limit[2] = { 0, 0 };
	uintptr_t end = (uintptr_t)__libc_stack_end, size;

	if (sys_call(SYS_prlimit64, 0, 3 /* RLIMIT_STACK */, NULL, limit))
		return 0;
	size = limit[0] < MAIN_MAX ? limit[0] : MAIN_MAX;
	*low = end - size;
	*high = end;
	return sp - *low < size;
}

/*
 * Threads that pthread_create's hook saw know their stack (thread_begin). The others are
 * the first one, and those made by the kernel's own call: libc could tell of them too, but
 * it would allocate from the program's heap to do so.
 */
static COLD void find_bounds(struct thread *t, uintptr_t sp)
{
	uintptr_t low, high;

	if (!is_main_stack(sp, &low, &high))
		low = high = UINTPTR_MAX; /* unknown: every stack is foreign */
	t->stack_low = low;
	t->stack_high = high;
}

/* The record of the foreign stack that SP lies on, or one that is free for it. */
static struct record *pick_foreign(struct unwind_trace *trace, uintptr_t sp)
{
	struct record *best = NULL, *r;
	unsigned i;

	for (i = 1; i < RECORDS; i++) {
		r = &trace->records[i];
		if (r->count && sp <= r->high && sp + NEAR_BYTES > r->low &&
		    (!best || r->high < best->high))
			best = r;
	}
	if (best)
		return best;
	trace->victim = trace->victim % (RECORDS - 1) + 1;
	r = &trace->records[trace->victim];
	if (!r->marks && record_start(r, trace->records[0].capacity))
		return &trace->records[0]; /* no memory: it serves for all */
	r->count = 0;
	return r;
}

static int is_own_stack(const struct unwind_walk *walk, uintptr_t sp)
{
	return sp - walk->own_low < walk->own_high - walk->own_low;
}

static struct record *pick(struct capture *c, uintptr_t sp)
{
	return likely(is_own_stack(&c->walk, sp)) ? &c->trace->records[0]
						  : pick_foreign(c->trace, sp);
}

/* ---- the walk ---- */

/* Walks from S until the record is met or the stack ends. */
static void walk_fresh(struct capture *c, struct unwind_state s)
{
	struct unwind_trace *trace = c->trace;
	enum unwind_result result;
	struct fresh *f;

	for (;;) {
		struct unwind_state next = s;
		struct unwind_rule rule;

		record_pop(c->record, s.sp);
		if (record_matches(c->record, &s)) {
			if (record_verify(c->record, &c->walk)) {
				record_set_slot(c->record, unwind_slot(&s));
				c->is_joined = 1;
				return;
			}
			continue;
		}
		if (unlikely(c->count == trace->fresh_max)) {
			c->result = UNWIND_CUT;
			c->last = s;
			return;
		}
		rule = rules_find(unwind_location(&s));
		f = &trace->fresh[c->count++];
		f->state = s;
		f->rule = rule;
		result = unwind_step(&c->walk, rule, &s, &next);
		s = next;
		if (unlikely(result != UNWIND_NEXT)) {
			c->result = result;
			c->last = s;
			return;
		}
		if (unlikely(s.is_exact)) {
			c->keep_from = c->count + 1;
			c->record = pick(c, s.sp);
		}
	}
}

/*
 * The same for what is common: the thread's own stack, a record that reaches the root, frames whose
 * rules are plain. 1 when the record was met, else 0: then nothing is lost but time.
 */
static int walk_plain(struct capture *c, const struct unwind_state *entry)
{
	const uintptr_t high = c->walk.own_high;
	uintptr_t pc = entry->pc, sp = entry->sp, fp = entry->fp, at = unwind_slot(entry);
	struct record *r = c->record;
	uint32_t count = r->count, n = 0;

	for (;;) {
		struct fresh *f = &c->trace->fresh[n];
		struct unwind_rule rule;
		uintptr_t cfa, slot;

		while (count && r->marks[count - 1].sp < sp)
			count--;
		if (unlikely(!count))
			return 0;
		if (r->marks[count - 1].sp == sp && r->marks[count - 1].pc == pc &&
		    (SHIM_UNWIND_MUTANT == 2 || !r->frames[count - 1].needs_fp ||
		     r->frames[count - 1].fp == fp)) {
			r->count = count;
			if (likely(record_verify(r, &c->walk))) {
				record_set_slot(r, at);
				break;
			}
			count = r->count;
			continue;
		}
		if (unlikely(n == c->trace->fresh_max))
			return 0;
		rule = rules_find(unwind_code(pc) - 1);
		f->state.pc = pc;
		f->state.sp = sp;
		f->state.fp = fp;
		f->state.is_exact = 0;
		unwind_set_slot(&f->state, at);
		f->rule = rule;
		n++;
		if (likely(rule.kind == RULE_SP))
			cfa = sp + (uintptr_t)(rule.cfa_words * 8L);
		else if (rule.kind == RULE_FP)
			cfa = fp + (uintptr_t)(rule.cfa_words * 8L);
		else
			return 0;
		if (unlikely(cfa <= sp || cfa > high || (cfa & 7) || rule.fp == RULE_FP_AT_FP))
			return 0;
		slot = cfa + (uintptr_t)(rule.fp_words * 8L);
		if (rule.fp != RULE_FP_SAME) {
			if (unlikely(slot < entry->sp || slot >= high))
				return 0;
			fp = record_word(slot);
		}
		at = cfa + (uintptr_t)rules_ra_slot(rule);
		if (UNWIND_RA_VARIES && unlikely(at < entry->sp || at >= high))
			return 0;
		pc = record_word(at);
		sp = cfa;
		if (unlikely(!unwind_code(pc)))
			return 0;
	}
	c->count = n;
	c->is_joined = 1;
	return 1;
}

/* ---- into the record ---- */

static void add_extra(struct record *r, uint32_t owner, uintptr_t addr, uintptr_t value,
		      const struct unwind_walk *walk)
{
	r->extras[r->extra_count] = (struct record_extra){ addr, value, owner };
	compiler_barrier(); /* a handler that leaves by longjmp: no count without its extra */
	r->extra_count++;
	r->is_plain &= (uint32_t)is_own_stack(walk, addr);
}

/*
 * The words beside its return address on which the caller of F, in state OUTER, depends; F
 * becomes frame OWNER. OUTER_NEEDS: what lies beyond it needs its frame pointer. 1 if what
 * lies beyond F needs F's.
 */
static int add_extras(struct record *r, uint32_t owner, const struct fresh *f,
		      const struct unwind_state *outer, int outer_needs,
		      const struct unwind_walk *walk)
{
	uintptr_t fp = f->state.fp, slot = (uintptr_t)(f->rule.fp_words * 8L);

	if (f->rule.kind == RULE_CELL)
		add_extra(r, owner, fp + (uintptr_t)(f->rule.cfa_words * 8L), outer->sp, walk);
	if (f->rule.kind == RULE_GUESS) {
		if (outer_needs || UNWIND_RA_VARIES) /* there the stack pointer comes of it */
			add_extra(r, owner, fp, outer->fp, walk);
		return 1;
	}
	if (outer_needs && f->rule.fp == RULE_FP_AT_CFA)
		add_extra(r, owner, outer->sp + slot, outer->fp, walk);
	if (outer_needs && f->rule.fp == RULE_FP_AT_FP)
		add_extra(r, owner, fp + slot, outer->fp, walk);
	if (f->rule.kind != RULE_SP || f->rule.fp == RULE_FP_AT_FP)
		return 1;
	return f->rule.fp == RULE_FP_SAME && outer_needs;
}

/*
 * The same for the outermost frame F: on what it depends that the stack ends there. LAST is
 * what the step from it has read. 1 if it is the frame pointer.
 */
static int add_end_extras(struct record *r, const struct fresh *f, enum unwind_result result,
			  const struct unwind_state *last, const struct unwind_walk *walk)
{
	uintptr_t word, fp = f->state.fp;
	struct unwind_window window = walk->stack;

	if (f->rule.kind == RULE_END)
		return 0;
	if (f->rule.kind == RULE_GUESS && result == UNWIND_ROOT)
		return fp == 0;
	if (f->rule.kind == RULE_GUESS && unwind_read(&window, fp + 8, &word) == 0)
		add_extra(r, 0, fp + 8, word, walk);
	else if (f->rule.kind != RULE_GUESS && result == UNWIND_ROOT)
		add_extra(r, 0, unwind_slot(last), last->pc, walk);
	if (f->rule.kind == RULE_CELL && result == UNWIND_ROOT)
		add_extra(r, 0, fp + (uintptr_t)(f->rule.cfa_words * 8L), last->sp, walk);
	return f->rule.kind != RULE_SP;
}

/*
 * Makes room for MORE frames by dropping the outermost ones: the stack is far deeper than
 * what is kept.
 */
static void make_room(struct record *r, uint32_t more, uint32_t depth)
{
	uint32_t count = r->count, keep = depth, drop, i, extras = 0;

	if (count + more <= r->capacity)
		return;
	if (keep + more > r->capacity)
		keep = r->capacity - more;
	if (keep > count)
		keep = count;
	drop = count - keep;
	r->count = 0;
	compiler_barrier();
	for (i = 0; i < r->extra_count; i++) {
		if (r->extras[i].owner < drop)
			continue;
		r->extras[extras] = r->extras[i];
		r->extras[extras++].owner -= drop;
	}
	r->extra_count = extras;
	for (i = 0; i < keep; i++) {
		r->marks[i] = r->marks[drop + i];
		r->frames[i] = r->frames[drop + i];
	}
	r->min_count = depth;
	r->root = SHIM_STACK_TRUNCATED;
	compiler_barrier();
	r->count = keep;
}

static uint32_t child_of(uint32_t parent, const struct fresh *f)
{
	if (unlikely(f->rule.is_own))
		return parent;
	return stacks_node(parent, unwind_code(f->state.pc) | (f->state.is_exact ? STACKS_EXACT : 0));
}

/*
 * Puts the fresh frames on top of the record, as far as they are to be kept. With IS_ROOTED
 * every frame gets its node, and the innermost one's is returned; else 0.
 */
static uint32_t append(struct capture *c, int is_rooted)
{
	struct record *r = c->record;
	uint32_t i, count = r->count, node = r->root;
	const struct unwind_state *outer = &c->last;
	int needs = 0;

	if (count) {
		node = r->frames[count - 1].node;
		needs = r->frames[count - 1].needs_fp;
		c->last.sp = r->marks[count - 1].sp;
		c->last.fp = r->frames[count - 1].fp;
	}
	for (i = c->count; i-- > 0;) {
		const struct fresh *f = &c->trace->fresh[i];

		if (is_rooted)
			node = child_of(node, f);
		if (i < c->keep_from)
			continue;
		if (unlikely(!count))
			needs = add_end_extras(r, f, c->result, outer, &c->walk);
		else if (likely(f->rule.kind == RULE_SP && !needs))
			needs = f->rule.fp == RULE_FP_AT_FP;
		else
			needs = add_extras(r, count, f, outer, needs, &c->walk);
		r->marks[count] = record_mark_of(&f->state);
		r->frames[count] = (struct record_frame){ f->state.fp, is_rooted ? node : 0,
							  (uint16_t)needs, f->rule.is_own };
		r->is_plain &= (uint32_t)is_own_stack(&c->walk, unwind_slot(&f->state));
		count++;
		outer = &f->state;
	}
	if (count && r->marks[count - 1].sp < r->low)
		r->low = r->marks[count - 1].sp;
	compiler_barrier(); /* the frames are whole before they count */
	r->count = count;
	return is_rooted ? node : 0;
}

/* Nodes of all frames, root first: the record was made by a capture that had no use for them. */
static void fill_nodes(struct record *r)
{
	uint32_t i, node = r->root;

	for (i = 0; i < r->count; i++) {
		if (!r->frames[i].is_own)
			node = stacks_node(node, unwind_code(r->marks[i].pc));
		r->frames[i].node = node;
	}
}

/*
 * The innermost DEPTH of the capture's frames below SHIM_STACK_TRUNCATED. The record is
 * complete.
 */
static uint32_t window(struct capture *c)
{
	struct record *r = c->record;
	uint32_t depth = c->trace->depth, unkept = c->keep_from < c->count ? c->keep_from : c->count;
	uint32_t node = SHIM_STACK_TRUNCATED, i;

	if (!unkept && r->frames[r->count - 1].node)
		return r->frames[r->count - 1].node;
	i = unkept < depth ? depth - unkept : 0;
	for (i = i < r->count ? r->count - i : 0; i < r->count && unkept < depth; i++)
		if (!r->frames[i].is_own)
			node = stacks_node(node, unwind_code(r->marks[i].pc));
	for (i = unkept < depth ? unkept : depth; i-- > 0;)
		node = child_of(node, &c->trace->fresh[i]);
	if (!unkept)
		r->frames[r->count - 1].node = node;
	return node;
}

/* The record starts anew with what was walked. */
static void restart_record(struct capture *c)
{
	struct record *r = c->record;
	int is_endless = c->result == UNWIND_CUT && c->count == c->trace->fresh_max;

	r->count = 0;
	r->extra_count = 0;
	r->is_plain = 1;
	r->min_count = is_endless ? c->trace->depth : 0;
	r->root = c->result == UNWIND_ROOT ? SHIM_STACK_NONE : SHIM_STACK_TRUNCATED;
	r->high = c->trace->fresh[c->count - 1].state.sp;
	r->low = r->high;
}

/* A frame needs registers that are not tracked here: all of it anew, with all registers. */
static COLD uint32_t capture_full(struct capture *c, const struct unwind_state *entry)
{
	struct unwind_frame *frames = (struct unwind_frame *)(void *)c->trace->fresh;
	size_t count, max = c->trace->depth + 1;
	enum unwind_result result = unwind_full(&c->walk, entry->sp, frames, max, &count);
	uint32_t node = result == UNWIND_ROOT ? SHIM_STACK_NONE : SHIM_STACK_TRUNCATED;

	c->record->count = 0;
	if (count == 0)
		return stacks_node(SHIM_STACK_TRUNCATED, entry->pc);
	if (count == max) {
		node = SHIM_STACK_TRUNCATED;
		count--;
	}
	while (count-- > 0)
		if (!frames[count].is_own)
			node = stacks_node(node, frames[count].pc |
							 (frames[count].is_exact ? STACKS_EXACT : 0));
	return node;
}

static uint32_t finish(struct capture *c)
{
	struct record *r = c->record;
	uint32_t node;
	int is_rooted;

	if (!c->is_joined)
		restart_record(c);
	else if (c->count > c->keep_from)
		make_room(r, c->count - c->keep_from, c->trace->depth);
	/* Extras of frames that are gone. */
	while (r->extra_count && r->extras[r->extra_count - 1].owner >= r->count)
		r->extra_count--;
	is_rooted = !r->min_count && r->count + c->count <= c->trace->depth;
	if (is_rooted && c->is_joined && !r->frames[r->count - 1].node)
		fill_nodes(r);
	if (!is_rooted) {
		append(c, 0);
		return window(c);
	}
	node = append(c, 1);
	if (c->is_joined && !c->keep_from && r->is_plain && r == &c->trace->records[0])
		memo_keep(&c->trace->memo, r, c->count, c->trace->epoch);
	return node;
}

static __attribute__((noinline)) uint32_t capture(struct thread *t, const struct unwind_state *entry)
{
	struct capture c;
	unsigned attempts;
	uint32_t node;

	if (unlikely(!t->stack_high))
		find_bounds(t, entry->sp);
	for (attempts = 0;; attempts++) {
		c.trace = t->trace;
		if (unlikely(c.trace->generation !=
			     __atomic_load_n(&rules_generation, __ATOMIC_ACQUIRE)))
			forget_all(c.trace);
		c.count = c.keep_from = c.is_joined = 0;
		unwind_walk_begin(&c.walk, entry->sp, t->stack_low, t->stack_high);
		c.record = pick(&c, entry->sp);
		if (c.record == c.trace->records && c.record->is_plain && !c.record->min_count)
			walk_plain(&c, entry);
		if (unlikely(!c.is_joined))
			walk_fresh(&c, *entry);
		if (unlikely(!c.is_joined && c.result == UNWIND_COMPLEX)) {
			node = capture_full(&c, entry);
		} else if (unlikely(c.is_joined && c.record->count + c.count < c.record->min_count)) {
			c.record->count = 0; /* too little is known of the outer frames: look again */
			continue;
		} else {
			node = finish(&c);
		}
		if (likely(c.trace->generation ==
			   __atomic_load_n(&rules_generation, __ATOMIC_ACQUIRE)) ||
		    attempts == ATTEMPTS_MAX)
			return node;
	}
}

uint32_t incremental_stack(struct thread *t, const uintptr_t *frame)
{
	struct unwind_state entry = { .pc = frame[1], .sp = unwind_caller_sp(frame), .fp = frame[0] };
	struct unwind_trace *trace = t->trace;
	struct record *r = &trace->records[0];
	uint32_t node;

	unwind_set_slot(&entry,
			entry.sp - sizeof(uintptr_t)); /* in the hook's frame, and never compared */
	/* The same stack as last time, or one of before: nothing but comparing. */
	if (likely(entry.sp - t->stack_low < t->stack_high - t->stack_low &&
		   trace->generation == __atomic_load_n(&rules_generation, __ATOMIC_RELAXED))) {
		if (record_goes_on(r, &entry) && record_is_unchanged(r) &&
		    r->count >= r->min_count && likely(r->frames[r->count - 1].node))
			return r->frames[r->count - 1].node;
		node = r->is_plain && !r->min_count
			       ? memo_find(&trace->memo, r, &entry, trace->epoch)
			       : 0;
		if (node)
			return node;
	}
	return capture(t, &entry);
}

#endif
