/* SPDX-License-Identifier: MIT */
/*
 * heap.c - see heap.h: the event loop. The tool spends most of its time here, so what every event
 * needs is inline and in few cache lines; what is rare (unknown addresses, failed reallocs) is in
 * functions of its own. Over 600 lines since the compiler must see all that an event can touch.
 */
#include "pass/heap.h"

#include <stdlib.h>
#include <string.h>

#include "pass/heap_state.h"
#include "pass/lifetimes.h"
#include "pass/sizes.h"
#include "util/pool.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define PREFETCH_AHEAD 12
/* Address of a block that was local and is alive again without one: no program has it. */
#define NO_ADDRESS     (UINT64_C(1) << 62)

/* More than these are counted, but not told apart. */
#define KINDS_OF_MISMATCH_MAX 1024

enum family { FAMILY_ANY, FAMILY_MALLOC, FAMILY_NEW, FAMILY_NEW_ARRAY, FAMILY_SHIM };

/* Which functions belong together; the others may end anything. */
static const uint8_t families[HEAP_FUNCS] = {
	[SHIM_FUNC_MALLOC] = FAMILY_MALLOC,
	[SHIM_FUNC_CALLOC] = FAMILY_MALLOC,
	[SHIM_FUNC_REALLOC] = FAMILY_MALLOC,
	[SHIM_FUNC_REALLOCARRAY] = FAMILY_MALLOC,
	[SHIM_FUNC_POSIX_MEMALIGN] = FAMILY_MALLOC,
	[SHIM_FUNC_ALIGNED_ALLOC] = FAMILY_MALLOC,
	[SHIM_FUNC_MEMALIGN] = FAMILY_MALLOC,
	[SHIM_FUNC_VALLOC] = FAMILY_MALLOC,
	[SHIM_FUNC_PVALLOC] = FAMILY_MALLOC,
	[SHIM_FUNC_MALLOCX] = FAMILY_MALLOC,
	[SHIM_FUNC_RALLOCX] = FAMILY_MALLOC,
	[SHIM_FUNC_XALLOCX] = FAMILY_MALLOC,
	[SHIM_FUNC_FREE] = FAMILY_MALLOC,
	[SHIM_FUNC_CFREE] = FAMILY_MALLOC,
	[SHIM_FUNC_FREE_SIZED] = FAMILY_MALLOC,
	[SHIM_FUNC_FREE_ALIGNED_SIZED] = FAMILY_MALLOC,
	[SHIM_FUNC_DALLOCX] = FAMILY_MALLOC,
	[SHIM_FUNC_SDALLOCX] = FAMILY_MALLOC,
	[SHIM_FUNC_NEW] = FAMILY_NEW,
	[SHIM_FUNC_DELETE] = FAMILY_NEW,
	[SHIM_FUNC_NEW_ARRAY] = FAMILY_NEW_ARRAY,
	[SHIM_FUNC_DELETE_ARRAY] = FAMILY_NEW_ARRAY,
	[SHIM_FUNC_SHIM_ALLOC] = FAMILY_SHIM,
	[SHIM_FUNC_SHIM_REALLOC] = FAMILY_SHIM,
	[SHIM_FUNC_SHIM_FREE] = FAMILY_SHIM,
};

__attribute__((cold, noinline)) uint32_t heap_add_site(struct heap *h, uint32_t stack)
{
	size_t count = h->site_count + 1;

	h->stats = pool_grow(h->stats, &h->stats_capacity, count, sizeof(*h->stats));
	h->site_stacks = pool_grow(h->site_stacks, &h->site_stacks_capacity, count,
				   sizeof(*h->site_stacks));
	h->stats[h->site_count] = (struct heap_stat){ 0 };
	h->site_stacks[h->site_count] = stack;
	h->site_of[stack] = (uint32_t)h->site_count;
	return (uint32_t)h->site_count++;
}

struct heap *heap_new(const struct process *p, size_t number, const struct heap_filter *filter,
		      const struct heap_followers *followers)
{
	struct heap *h = xcalloc(1, sizeof(*h));
	size_t i;

	h->process = p;
	h->number = number;
	if (filter)
		h->filter = *filter;
	if (followers)
		h->followers = *followers;
	h->stack_count = p->stack_count + 1;
	h->site_of = xcalloc(h->stack_count, sizeof(*h->site_of));
	heap_add_site(h, SHIM_STACK_NONE);
	h->lanes = xcalloc(p->slot_count, sizeof(*h->lanes));
	h->rows = h->followers.threads ? threads_add(h->followers.threads, p->slot_count)
				       : xcalloc(p->slot_count, sizeof(*h->rows));
	for (i = 0; i < p->slot_count; i++) {
		h->rows[i].process = number;
		h->rows[i].thread = p->slot_thread[i];
		h->lanes[i].row = &h->rows[i];
	}
	timeline_start(&h->hand, h->followers.timeline, &p->clock);
	h->wake_ticks = h->hand.next_ticks;
	h->ns_per_tick = (double)timebase_span_ns(&p->clock, UINT64_C(1) << 40) /
			 (double)(UINT64_C(1) << 40);
	return h;
}

void heap_delete(struct heap *h)
{
	if (!h)
		return;
	live_free(&h->live);
	map_free(&h->mismatches);
	debts_free(&h->debts);
	heap_sampled_delete(h->sampled);
	free(h->windows);
	free(h->stats);
	free(h->site_stacks);
	free(h->site_of);
	free(h->lanes);
	if (!h->followers.threads)
		free(h->rows);
	free(h);
}

/* ---- sums ----------------------------------------------------------------------------------- */

static inline void save_peak(struct heap *h, struct heap_stat *s)
{
	if (s->epoch != h->epoch) {
		s->peak_bytes = s->live_bytes;
		s->peak_count = s->live_count;
		s->epoch = h->epoch;
		if (unlikely(h->sampled))
			heap_save_sampled_peak(h, s);
	}
}

/* What samples and folded blocks leave in doubt about the peak. */
static __attribute__((cold, noinline)) void look_at_bounds(struct heap *h)
{
	uint64_t sure = h->live_bytes > h->owing_bytes ? h->live_bytes - h->owing_bytes : 0;

	if (h->sampled)
		heap_look_at_halves(h);
	if (sure > h->peak_least_bytes)
		h->peak_least_bytes = sure;
}

static inline void look_for_peak(struct heap *h, uint64_t ticks)
{
	if (unlikely(h->is_in_doubt))
		look_at_bounds(h);
	if (h->live_bytes <= h->most_bytes)
		return;
	h->most_bytes = h->live_bytes;
	if (h->live_bytes <= h->peak_bytes)
		return;
	h->peak_bytes = h->live_bytes;
	h->peak_count = h->live_count;
	h->peak_ticks = ticks;
	h->epoch++;
	if (unlikely(h->sampled))
		h->sampled->totals.peak = h->sampled->totals.live;
}

void heap_look_for_crest(struct heap *h, uint64_t ticks)
{
	uint64_t least = h->peak_least_bytes;

	look_for_peak(h, ticks);
	if (h->process->slot_count > 1)
		h->peak_least_bytes = least;
}

/* SIZE bytes of STACK are alive from TICKS on, owned by thread ROW. */
static inline void add_live(struct heap *h, struct heap_stat *s, struct threads_row *row,
			    uint64_t size, uint64_t ticks)
{
	save_peak(h, s);
	s->live_bytes += size;
	s->live_count++;
	row->live_bytes += size;
	row->live_count++;
	if (row->live_bytes > row->peak_bytes)
		row->peak_bytes = row->live_bytes;
	h->live_bytes += size;
	h->live_count++;
	look_for_peak(h, ticks);
}

/* Block B is alive from TICKS on. */
static inline void revive(struct heap *h, const struct live_facts *b, uint64_t ticks)
{
	if (unlikely(b->flags & LIVE_SAMPLE_MASK))
		heap_sampled_begin(h, b, 1);
	else
		add_live(h, &h->stats[b->site], h->lanes[b->slot].row, b->size, ticks);
	look_for_peak(h, ticks);
}

static inline void drop_live(struct heap *h, const struct live_facts *b)
{
	struct heap_stat *s = &h->stats[b->site];
	struct threads_row *row = h->lanes[b->slot].row;

	if (unlikely(b->flags & (LIVE_UNCOUNTED | LIVE_SAMPLE_MASK))) {
		if (!(b->flags & LIVE_UNCOUNTED))
			heap_sampled_drop(h, b, 1);
		return;
	}
	save_peak(h, s);
	s->live_bytes -= b->size;
	s->live_count--;
	row->live_bytes -= b->size;
	row->live_count--;
	h->live_bytes -= b->size;
	h->live_count--;
}

void heap_add_many(struct heap *h, const struct live_facts *b, uint64_t count)
{
	struct heap_stat *s = &h->stats[b->site];
	struct threads_row *row = h->lanes[b->slot].row;

	if (b->flags & LIVE_SAMPLE_MASK) {
		heap_sampled_begin(h, b, count);
		return;
	}
	save_peak(h, s);
	s->live_bytes += count * b->size;
	s->live_count += (uint32_t)count;
	row->live_bytes += count * b->size;
	row->live_count += count;
	h->live_bytes += count * b->size;
	h->live_count += count;
}

void heap_drop_many(struct heap *h, const struct live_facts *b, uint64_t count)
{
	struct heap_stat *s = &h->stats[b->site];
	struct threads_row *row = h->lanes[b->slot].row;

	if (b->flags & LIVE_SAMPLE_MASK) {
		heap_sampled_drop(h, b, count);
		return;
	}
	save_peak(h, s);
	s->live_bytes -= count * b->size;
	s->live_count -= (uint32_t)count;
	row->live_bytes -= count * b->size;
	row->live_count -= count;
	h->live_bytes -= count * b->size;
	h->live_count -= count;
}

/*
 * Key of a mismatch: sites and stack ids are below 2^26 (model/definitions.c), functions with a family below
 * 2^6.
 */
void heap_count_mismatch(struct heap *h, const struct live_facts *b, uint32_t free_stack,
			 uint8_t func, uint64_t count)
{
	uint64_t key = (uint64_t)(b->site & 0x3ffffff) << 38 |
		       (uint64_t)(free_stack & 0x3ffffff) << 12 | (b->func & 63u) << 6 |
		       (func & 63u);

	h->mismatch_count += count;
	if (map_count(&h->mismatches) < KINDS_OF_MISMATCH_MAX || map_find(&h->mismatches, key))
		*map_put(&h->mismatches, key, NULL) += count;
}

int heap_is_mismatch(unsigned alloc_func, unsigned func)
{
	unsigned mine = families[alloc_func], its = families[func];

	return mine != its && mine && its;
}

/* Block B ended for good at TICKS, by FUNC called from FREE_STACK on thread SLOT. */
static inline void count_end(struct heap *h, const struct live_facts *b, uint64_t ticks,
			     int is_temporary, uint32_t slot, uint8_t func, uint32_t free_stack)
{
	if (unlikely(b->flags & LIVE_UNCOUNTED))
		return;
	if (unlikely(heap_is_mismatch(b->func, func)))
		heap_count_mismatch(h, b, free_stack, func, 1);
	if (is_temporary && unlikely(b->flags & LIVE_SAMPLE_MASK)) {
		heap_sampled_temporary(h, b, slot, 1);
	} else if (is_temporary) {
		h->stats[b->site].temporary++;
		h->lanes[slot].row->temporary++;
		h->temporary++;
	}
	if (h->followers.lifetimes)
		lifetimes_add(h->followers.lifetimes, heap_run_stack(h, b->site),
			      heap_span_ns(h, b->ticks, ticks),
			      unlikely(b->flags & LIVE_SAMPLE_MASK) ? heap_sampled_end(h, b) : 1);
}

/*
 * The same for a free, which counts as one; a realloc does not. BYTES are those that FUNC is said to
 * have given back: none for realloc(p, 0), whose bytes are those that it allocates.
 */
static inline void count_free(struct heap *h, const struct live_facts *b, uint64_t ticks,
			      int is_temporary, uint32_t slot, uint8_t func, uint32_t free_stack,
			      uint64_t bytes)
{
	struct threads_row *row = h->lanes[slot].row;

	if (unlikely(b->flags & LIVE_UNCOUNTED))
		return;
	count_end(h, b, ticks, is_temporary, slot, func, free_stack);
	if (unlikely(b->flags & LIVE_SAMPLE_MASK)) {
		heap_sampled_free(h, b, slot, func, bytes != 0, 1);
		return;
	}
	row->frees++;
	row->foreign_frees += b->slot != slot;
	h->frees++;
	h->funcs[func].calls++;
	h->funcs[func].bytes += bytes;
}

/* ---- the rare ------------------------------------------------------------------------------- */

/* Adds what is alive and what happened to the timeline's bucket in progress. */
static void close_bucket(struct heap *h)
{
	struct timeline_bucket *b = timeline_at(&h->hand);

	heap_close_interval(h);
	b->live_bytes += h->live_bytes;
	b->live_count += h->live_count;
	b->most_bytes += h->bucket_bytes;
	b->allocations += h->allocations - h->before.allocations;
	b->allocated_bytes += h->allocated_bytes - h->before.allocated_bytes;
	b->frees += h->frees - h->before.frees;
	h->before.allocations = h->allocations;
	h->before.allocated_bytes = h->allocated_bytes;
	h->before.frees = h->frees;
	h->bucket_bytes = 0;
}

static void close_buckets(struct heap *h, uint64_t ticks)
{
	while (ticks >= h->hand.next_ticks && h->hand.next_ticks != UINT64_MAX) {
		close_bucket(h);
		timeline_advance(&h->hand);
	}
}

/* Blocks whose debts are due before TICKS have ended. */
static void settle_debts(struct heap *h, uint64_t ticks)
{
	size_t at;
	struct debt debt;

	for (at = 0; at < h->debts.count; at++)
		if (h->debts.items[at].due_ticks < ticks)
			h->debts.items[at].due_ticks =
				heap_debt_extended(h, h->debts.items[at].due_ticks);
	at = h->debts.count;

	while (debts_pop(&h->debts, &at, ticks, &debt)) {
		struct live_block *b = debt.is_taken ? live_find(&h->live, debt.addr) : NULL;
		struct live_facts facts;

		if (!b)
			continue;
		facts = live_load(b);
		h->owing_bytes -= facts.size;
		drop_live(h, &facts);
		live_erase(&h->live, b);
	}
}

static void set_alarm(struct heap *h)
{
	uint64_t debt = debts_next(&h->debts);

	h->wake_ticks = debt < h->hand.next_ticks ? debt : h->hand.next_ticks;
}

__attribute__((cold, noinline)) void heap_wake(struct heap *h, uint64_t ticks)
{
	settle_debts(h, ticks);
	close_buckets(h, ticks);
	set_alarm(h);
}

/* An allocation gave the address of the live block B, whose end is not in the trace: it ends. */
static __attribute__((cold, noinline)) void end_reused(struct heap *h, const struct live_block *b)
{
	struct live_facts old = live_load(b);

	drop_live(h, &old);
	if (debts_settle(&h->debts, live_addr(b)))
		h->owing_bytes -= old.size;
	else
		h->unended_blocks++;
}

/*
 * An end at ADDR at TICKS on thread SLOT, and no block there. Returns 1 when a folded block of
 * another thread may be the reason: a debt.
 */
static __attribute__((cold, noinline)) int end_unknown(struct heap *h, uint64_t addr,
						       uint64_t ticks, uint32_t slot)
{
	uint64_t due = h->windows ? heap_debt_due(h, slot, ticks) : 0;

	if (!due) {
		h->unmatched_frees++;
		return 0;
	}
	debts_add(&h->debts, addr, due);
	if (due < h->wake_ticks)
		h->wake_ticks = due + 1;
	return 1;
}

/*
 * A free of a block that the trace does not know, at TICKS on thread SLOT: a call like any other.
 * Whether a filter of stacks would keep it, nobody can say; such a filter leaves it out.
 */
static __attribute__((cold, noinline)) void count_unknown_free(struct heap *h, uint64_t ticks,
							       uint32_t slot, uint8_t func)
{
	if (h->filter.keep_stack || ticks < h->filter.from_ticks ||
	    (h->filter.keep_slot && !h->filter.keep_slot[slot]))
		return;
	h->lanes[slot].row->frees++;
	h->frees++;
	h->funcs[func].calls++;
}

/*
 * The realloc pending on LANE has nothing behind it: with size 0 it was a free. Otherwise its other
 * half was lost, and with it where the block went.
 */
static void settle_as_ended(struct heap *h, struct heap_lane *lane)
{
	struct heap_pending *p = &lane->pending;
	uint32_t slot = (uint32_t)(lane - h->lanes);

	p->is_open = 0;
	if (p->new_size == 0 && p->is_known)
		count_free(h, &p->block, p->end_ticks, p->is_temporary, slot, p->func, 0, 0);
	else if (p->new_size == 0)
		count_unknown_free(h, p->end_ticks, slot, p->func);
}

/* The realloc pending on LANE failed: its block lives on at ADDR. */
static void settle_as_alive(struct heap *h, struct heap_lane *lane, uint64_t addr, uint64_t ticks)
{
	struct heap_pending *p = &lane->pending;
	const struct live_facts *facts = &p->block;
	struct live_block *b;
	int is_new;

	p->is_open = 0;
	if (!p->is_known) {
		if (p->is_debt)
			debts_withdraw(&h->debts, p->addr);
		else
			h->unmatched_frees--;
		return;
	}
	if (p->is_temporary)
		lane->last = addr; /* it still is the thread's last allocation */
	b = live_put(&h->live, addr, &is_new);
	if (!is_new)
		end_reused(h, b);
	live_store(b, facts);
	if (debts_take(&h->debts, addr))
		h->owing_bytes += facts->size;
	if (!(facts->flags & LIVE_UNCOUNTED))
		revive(h, facts, ticks);
}

void heap_settle(struct heap *h)
{
	size_t i;

	for (i = 0; i < h->process->slot_count; i++) {
		struct heap_lane *lane = &h->lanes[i];

		if (!lane->pending.is_open)
			continue;
		/*
		 * With a size, the process ended within the call: its block was still there, unless
		 * the address is another's by now.
		 */
		if (lane->pending.new_size == 0)
			settle_as_ended(h, lane);
		else if (lane->pending.addr & EVENT_LOCAL)
			settle_as_alive(h, lane, NO_ADDRESS + i, lane->pending.end_ticks);
		else if (!live_find(&h->live, lane->pending.addr))
			settle_as_alive(h, lane, lane->pending.addr, lane->pending.end_ticks);
	}
	settle_debts(h, UINT64_MAX);
	heap_close_interval(h);
	if (h->hand.timeline) {
		close_buckets(h, h->process->end_ticks);
		close_bucket(h);
	}
}

/* ---- events --------------------------------------------------------------------------------- */

static int is_counted(const struct heap *h, const struct event *e, uint32_t slot)
{
	return e->ticks >= h->filter.from_ticks &&
	       (!h->filter.keep_slot || h->filter.keep_slot[slot]) &&
	       (!h->filter.keep_stack || h->filter.keep_stack[process_stack(h->process, e->stack)]);
}

/* E tells that a realloc succeeded, and nothing of the block that it gave. */
static inline int is_unfollowed(const struct event *e)
{
	return e->extra & SHIM_EXTRA_UNFOLLOWED && e->op == SHIM_OP_REALLOC_ALLOC;
}

/*
 * Which half of the sample E's block is in: as good as chance, and the same whenever it is asked. The
 * multipliers are those of splitmix64 (Steele, Lea and Flood 2014).
 */
static uint8_t half_of_sample(const struct event *e)
{
	uint64_t mix = e->addr ^ e->ticks * UINT64_C(0x9E3779B97F4A7C15);

	mix = (mix ^ mix >> 30 ^ (e->size << 32 | e->stack)) * UINT64_C(0xBF58476D1CE4E5B9);
	mix = (mix ^ mix >> 27) * UINT64_C(0x94D049BB133111EB);
	return mix >> 63 ? LIVE_SAMPLE_HALF : 0;
}

/* The block that the allocation E made, as the table has it. */
static inline struct live_facts block_of(struct heap *h, const struct event *e, uint32_t slot,
					 int filtered)
{
	struct live_facts b = { .size = e->size,
				.func = e->func,
				.ticks = e->ticks,
				.slot = slot,
				.flags = h->sample_flags };

	b.site = heap_site_of(h, e->stack);
	if (e->extra & SHIM_EXTRA_IGNORED)
		b.flags |= LIVE_IGNORED;
	if (unlikely(is_unfollowed(e)))
		b.flags |= LIVE_UNCOUNTED;
	if (unlikely(h->sample_flags))
		b.flags |= half_of_sample(e);
	if (filtered && !is_counted(h, e, slot))
		b.flags |= LIVE_UNCOUNTED;
	return b;
}

/* E identifies the last allocation of a thread: by address, or by its place in memory. */
static inline uint64_t allocation_name(const struct event *alloc)
{
	return event_is_local(alloc) ? EVENT_LOCAL | (uint64_t)(uintptr_t)alloc : alloc->addr;
}

static inline void count_allocation(struct heap *h, struct heap_lane *lane,
				    const struct live_facts *b, const struct event *e)
{
	struct heap_stat *s = &h->stats[b->site];

	if (unlikely(b->flags & LIVE_SAMPLE_MASK)) {
		heap_sampled_allocation(h, b, e->op == SHIM_OP_REALLOC_ALLOC, 1);
		revive(h, b, b->ticks);
		return;
	}
	add_live(h, s, lane->row, b->size, b->ticks);
	s->allocations++;
	s->allocated_bytes += b->size;
	if (unlikely(!s->func))
		s->func = b->func;
	lane->row->allocations++;
	lane->row->allocated_bytes += b->size;
	h->allocations++;
	h->allocated_bytes += b->size;
	h->funcs[b->func].calls++;
	h->funcs[b->func].bytes += b->size;
	if (e->op == SHIM_OP_REALLOC_ALLOC) {
		s->reallocations++;
		lane->row->reallocations++;
		h->reallocations++;
	}
	if (h->followers.sizes)
		sizes_add(h->followers.sizes, heap_run_stack(h, b->site), b->size);
}

static inline void on_alloc(struct heap *h, const struct event *e, uint32_t slot, int filtered)
{
	struct heap_lane *lane = &h->lanes[slot];
	struct live_facts block = block_of(h, e, slot, filtered);

	if (e->op == SHIM_OP_REALLOC_ALLOC && lane->pending.is_open) {
		struct heap_pending *p = &lane->pending;

		p->is_open = 0;
		if (p->is_known)
			count_end(h, &p->block, p->end_ticks, p->is_temporary, slot, p->func, 0);
	}
	lane->last = allocation_name(e);
	if (unlikely(is_unfollowed(e)))
		return;
	if (!event_is_local(e)) {
		int is_new;
		struct live_block *b = live_put(&h->live, e->addr, &is_new);

		if (unlikely(!is_new))
			end_reused(h, b);
		live_store(b, &block);
		if (unlikely(h->debts.count) && debts_take(&h->debts, e->addr))
			h->owing_bytes += block.size;
	}
	if (!(block.flags & LIVE_UNCOUNTED))
		count_allocation(h, lane, &block, e);
}

/* In a sample the thread's last allocation may have no event: there the writer tells. */
static inline int is_temporary_end(const struct heap *h, const struct event *e, uint32_t slot,
				   uint64_t name)
{
	return unlikely(h->sample_flags) ? (e->extra & SHIM_EXTRA_TEMPORARY) != 0
					 : h->lanes[slot].last == name;
}

/* Takes the block that E ends out of what is alive. Returns 0 when there is none. */
static inline __attribute__((always_inline)) int take_block(struct heap *h, const struct event *e,
							    uint32_t slot, int filtered,
							    struct live_facts *block,
							    int *is_temporary)
{
	struct live_block *b;

	if (event_is_local(e)) {
		const struct event *alloc = event_partner(e);

		*block = block_of(h, alloc, slot, filtered);
		*is_temporary = is_temporary_end(h, e, slot, allocation_name(alloc));
		drop_live(h, block);
		return 1;
	}
	b = live_find(&h->live, e->addr);
	if (unlikely(!b))
		return 0;
	*block = live_load(b);
	*is_temporary = is_temporary_end(h, e, slot, e->addr) && block->slot == slot;
	drop_live(h, block);
	live_erase(&h->live, b);
	if (unlikely(h->debts.count) && debts_give_back(&h->debts, e->addr))
		h->owing_bytes -= block->size;
	return 1;
}

static inline void on_free(struct heap *h, const struct event *e, uint32_t slot, int filtered)
{
	struct live_facts block;
	int is_temporary;

	if (take_block(h, e, slot, filtered, &block, &is_temporary)) {
		count_free(h, &block, e->ticks, is_temporary, slot, e->func, e->stack, block.size);
		return;
	}
	end_unknown(h, e->addr, e->ticks, slot);
	count_unknown_free(h, e->ticks, slot, e->func);
}

static inline void on_realloc_free(struct heap *h, const struct event *e, uint32_t slot, int filtered)
{
	struct heap_lane *lane = &h->lanes[slot];
	struct heap_pending *p = &lane->pending;
	struct live_facts block;
	int is_temporary = 0;

	if (p->is_open)
		settle_as_ended(h, lane);
	p->is_known = (uint8_t)take_block(h, e, slot, filtered, &block, &is_temporary);
	p->is_debt = 0;
	if (p->is_known)
		p->block = block;
	else
		p->is_debt = (uint8_t)end_unknown(h, e->addr, e->ticks, slot);
	p->addr = e->addr;
	p->end_ticks = e->ticks;
	p->new_size = e->size;
	p->is_temporary = (uint8_t)is_temporary;
	p->func = e->func;
	p->is_open = 1;
}

static inline void on_event(struct heap *h, const struct event *e, uint32_t slot, int filtered)
{
	switch (e->op) {
	case SHIM_OP_ALLOC:
	case SHIM_OP_REALLOC_ALLOC:
		on_alloc(h, e, slot, filtered);
		break;
	case SHIM_OP_FREE:
		on_free(h, e, slot, filtered);
		break;
	case SHIM_OP_REALLOC_FREE:
		on_realloc_free(h, e, slot, filtered);
		break;
	case SHIM_OP_REALLOC_FAIL:
		if (h->lanes[slot].pending.is_open)
			settle_as_alive(h, &h->lanes[slot], e->addr, e->ticks);
		/* fallthrough */
	case SHIM_OP_ALLOC_FAIL:
		if (!filtered || is_counted(h, e, slot)) {
			h->failed++;
			h->funcs[e->func].failed++;
		}
		break;
	default:
		break; /* mappings: the mapped pass */
	}
}

/* Has what the events behind E will touch fetched: slots of the table, and sums of stacks. */
static inline __attribute__((always_inline)) void prefetch(const struct heap *h,
							   const struct event *e)
{
	const struct event *far = e + PREFETCH_AHEAD, *near = e + PREFETCH_AHEAD / 2;

	if (!event_is_local(far))
		live_prefetch(&h->live, far->addr);
	if (event_is_alloc(near) && near->stack < h->stack_count)
		__builtin_prefetch(&h->stats[h->site_of[near->stack]], 1);
}

static inline void run_batch(struct heap *h, const struct event_batch *batch, int filtered)
{
	const struct event *e = batch->events, *end = e + batch->count;
	const struct event *readable = end + batch->ahead;

	for (; e < end; e++) {
		if (likely(readable - e > PREFETCH_AHEAD))
			prefetch(h, e);
		if (unlikely(e->ticks >= h->wake_ticks))
			heap_wake(h, e->ticks);
		on_event(h, e, batch->slot, filtered);
	}
}

void heap_batch(struct heap *h, const struct event_batch *batch)
{
	const struct timebase *clock = &h->process->clock;
	struct threads_row *row = &h->rows[batch->slot];
	struct heap_lane *lane = &h->lanes[batch->slot];

	if (!row->events)
		row->first_ns = timebase_ns(clock, batch->events[0].ticks);
	row->events += batch->count;
	row->last_ns = batch->events[batch->count - 1].ticks; /* ticks until heap_finish */
	if (unlikely(lane->hidden_bytes && batch->events[0].ticks > lane->hidden_end_ticks))
		heap_hide(h, batch->slot, 0);
	lane->newest_ticks = row->last_ns;
	h->sample_flags = batch->sample_bytes ? heap_sample_flags(h, batch->sample_bytes) : 0;
	if (h->filter.keep_stack || h->filter.keep_slot || h->filter.from_ticks)
		run_batch(h, batch, 1);
	else
		run_batch(h, batch, 0);
}
