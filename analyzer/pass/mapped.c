/* SPDX-License-Identifier: MIT */
/*
 * mapped.c - see mapped.h. Mappings of now are kept in a treap by address (Aragon and Seidel,
 * Randomized search trees, 1989): a mapping or its end cuts out what it overlaps in logarithmic
 * time, whatever a trace says.
 */
#include "pass/mapped.h"

#include <stdlib.h>
#include <string.h>

#include "pass/timeline.h"
#include "util/pool.h"

#define NIL     0u /* node 0 is nobody */
/* Ends of ranges are kept below this: no address space is larger. */
#define END_MAX (UINT64_C(1) << 62)

struct node {
	uint64_t begin, end;
	uint32_t left, right;
	uint32_t priority;
	uint32_t stack; /* as in the trace, or 0 */
	uint8_t kind;   /* enum mapped_kind */
	uint8_t is_executable;
};

struct stat {
	uint64_t calls, bytes, live_bytes;
};

/* What a thread's mremap took away just now, for the row that maps it elsewhere. */
struct moved {
	uint8_t kind;
	uint8_t is_executable;
};

struct mapped {
	const struct process *process;
	size_t number;
	struct node *nodes;
	size_t node_count, nodes_capacity;
	uint32_t root, unused; /* unused: chain by left */
	uint32_t random;
	struct stat *stats;  /* by the trace's stack id */
	struct moved *moved; /* by slot */
	struct timeline_hand hand;
	uint64_t page_mask;
	uint64_t live, peak, peak_ticks;
	struct mapped_result sums;
};

const char *mapped_kind_name(enum mapped_kind kind)
{
	static const char *const names[MAPPED_KINDS] = { "anonymous", "shared", "file",
							 "shared file" };

	return (unsigned)kind < MAPPED_KINDS ? names[kind] : "unknown";
}

struct mapped *mapped_new(const struct process *p, size_t number, struct timeline *timeline)
{
	uint64_t page = fields_number(&p->source->header, "page_size", 4096);
	struct mapped *m = xcalloc(1, sizeof(*m));

	m->process = p;
	m->number = number;
	m->random = 2463534242u;
	m->nodes = pool_grow(NULL, &m->nodes_capacity, 1, sizeof(*m->nodes));
	m->nodes[0] = (struct node){ 0 };
	m->node_count = 1;
	m->stats = xcalloc(p->stack_count, sizeof(*m->stats));
	m->moved = xcalloc(p->slot_count, sizeof(*m->moved));
	m->page_mask = (page & (page - 1)) == 0 && page && page <= (1u << 24) ? page - 1 : 4095;
	timeline_start(&m->hand, timeline, &p->clock);
	return m;
}

void mapped_delete(struct mapped *m)
{
	if (!m)
		return;
	free(m->nodes);
	free(m->stats);
	free(m->moved);
	free(m);
}

/* ---- the treap ------------------------------------------------------------------------------ */

/* Takes ROOT apart: LESS gets what begins below KEY, REST the others. */
static void split(struct mapped *m, uint32_t root, uint64_t key, uint32_t *less, uint32_t *rest)
{
	struct node *n = &m->nodes[root];

	if (root == NIL) {
		*less = *rest = NIL;
	} else if (n->begin < key) {
		*less = root;
		split(m, n->right, key, &n->right, rest);
	} else {
		*rest = root;
		split(m, n->left, key, less, &n->left);
	}
}

/* The union of two, everything in LESS lying below everything in REST. */
static uint32_t join(struct mapped *m, uint32_t less, uint32_t rest)
{
	if (less == NIL || rest == NIL)
		return less == NIL ? rest : less;
	if (m->nodes[less].priority > m->nodes[rest].priority) {
		m->nodes[less].right = join(m, m->nodes[less].right, rest);
		return less;
	}
	m->nodes[rest].left = join(m, less, m->nodes[rest].left);
	return rest;
}

/* Xorshift (Marsaglia 2003): a fixed sequence, so that every run is the same. */
static uint32_t next_random(struct mapped *m)
{
	m->random ^= m->random << 13;
	m->random ^= m->random >> 17;
	m->random ^= m->random << 5;
	return m->random;
}

static void account(struct mapped *m, const struct node *n, uint64_t bytes, int sign)
{
	uint64_t change = sign > 0 ? bytes : -bytes;

	m->live += change;
	m->stats[n->stack].live_bytes += change;
	m->sums.live_bytes[n->kind] += change;
	if (n->is_executable)
		m->sums.executable_bytes += change;
}

/* Inserts a copy of WHAT (its range not empty and free of others); sums are the caller's. */
static void insert(struct mapped *m, struct node what)
{
	uint32_t less, rest, at = m->unused;

	if (at != NIL) {
		m->unused = m->nodes[at].left;
	} else {
		at = (uint32_t)m->node_count++;
		m->nodes = pool_grow(m->nodes, &m->nodes_capacity, m->node_count, sizeof(*m->nodes));
	}
	what.left = what.right = NIL;
	what.priority = next_random(m);
	m->nodes[at] = what;
	split(m, m->root, what.begin, &less, &rest);
	m->root = join(m, join(m, less, at), rest);
}

static uint32_t last_node(const struct mapped *m, uint32_t root)
{
	while (root != NIL && m->nodes[root].right != NIL)
		root = m->nodes[root].right;
	return root;
}

/*
 * Gives back all nodes below ROOT; all of their bytes leave the sums. Iterates down the left,
 * recurses to the right.
 */
static void release(struct mapped *m, uint32_t root)
{
	while (root != NIL) {
		struct node *n = &m->nodes[root];
		uint32_t left = n->left;

		release(m, n->right);
		account(m, n, n->end - n->begin, -1);
		n->left = m->unused;
		m->unused = root;
		root = left;
	}
}

/* The node that ends first behind ADDR, or NIL. */
static uint32_t node_at(const struct mapped *m, uint64_t addr)
{
	uint32_t at = m->root, found = NIL;

	while (at != NIL) {
		const struct node *n = &m->nodes[at];

		if (n->end > addr)
			found = at;
		at = n->end > addr ? n->left : n->right;
	}
	return found;
}

/* Nothing is mapped in BEGIN … END any more. */
static void cut(struct mapped *m, uint64_t begin, uint64_t end)
{
	uint32_t less, middle, rest, at;
	struct node tail = { 0 };
	struct node *n;

	split(m, m->root, begin, &less, &rest);
	at = last_node(m, less);
	n = &m->nodes[at];
	/* it begins before: its first part stays, a third part may, too */
	if (at != NIL && n->end > begin) {
		tail = *n;
		account(m, n, (n->end < end ? n->end : end) - begin, -1);
		n->end = begin;
	}
	split(m, rest, end, &middle, &rest);
	at = last_node(m, middle);
	if (at != NIL && m->nodes[at].end > end) {
		tail = m->nodes[at];
		m->nodes[at].end = end;
	}
	release(m, middle);
	m->root = join(m, less, rest);
	if (tail.end > end) {
		tail.begin = end;
		insert(m, tail);
	}
}

/* ---- events --------------------------------------------------------------------------------- */

static enum mapped_kind kind_of(unsigned flags)
{
	if (flags & SHIM_MAP_ANONYMOUS)
		return flags & SHIM_MAP_SHARED ? MAPPED_SHARED : MAPPED_ANONYMOUS;
	return flags & SHIM_MAP_SHARED ? MAPPED_FILE_SHARED : MAPPED_FILE;
}

/* The whole pages of E. Returns 0 when it has none. */
static int range_of(const struct mapped *m, const struct event *e, uint64_t *begin, uint64_t *end)
{
	*begin = e->addr & ~m->page_mask;
	if (e->addr >= END_MAX || e->size >= END_MAX - e->addr)
		return 0;
	*end = (e->addr + e->size + m->page_mask) & ~m->page_mask;
	return *end > *begin && e->size;
}

static void on_map(struct mapped *m, const struct event *e, uint32_t slot)
{
	struct node n = { .kind = (uint8_t)kind_of(e->extra),
			  .is_executable = (e->extra & SHIM_MAP_EXEC) != 0 };

	/* mremap is not told what it moves: what its munmap row just before has ended */
	if (e->func == SHIM_FUNC_MREMAP && !e->extra) {
		n.kind = m->moved[slot].kind;
		n.is_executable = m->moved[slot].is_executable;
		m->moved[slot] = (struct moved){ .kind = MAPPED_ANONYMOUS };
	}
	if (!range_of(m, e, &n.begin, &n.end))
		return;
	n.stack = e->stack < m->process->stack_count ? e->stack : 0;
	cut(m, n.begin, n.end);
	insert(m, n);
	account(m, &n, n.end - n.begin, 1);
	m->stats[n.stack].calls++;
	m->stats[n.stack].bytes += n.end - n.begin;
	m->sums.maps++;
	m->sums.total_bytes += n.end - n.begin;
	if (m->live > m->peak) {
		m->peak = m->live;
		m->peak_ticks = e->ticks;
	}
}

static void on_unmap(struct mapped *m, const struct event *e, uint32_t slot)
{
	struct moved *moved = &m->moved[slot];
	uint64_t begin, end;
	const struct node *n;

	m->sums.unmaps++;
	*moved = (struct moved){ .kind = MAPPED_ANONYMOUS };
	if (!range_of(m, e, &begin, &end))
		return;
	n = &m->nodes[node_at(m, begin)];
	if (e->func == SHIM_FUNC_MREMAP && n->end > begin && n->begin < end)
		*moved = (struct moved){ n->kind, n->is_executable };
	cut(m, begin, end);
}

static void close_buckets(struct mapped *m, uint64_t ticks)
{
	while (ticks >= m->hand.next_ticks && m->hand.next_ticks != UINT64_MAX) {
		timeline_at(&m->hand)->mapped_bytes += m->live;
		timeline_advance(&m->hand);
	}
}

static void on_event(struct mapped *m, const struct event *e, uint32_t slot)
{
	close_buckets(m, e->ticks);
	if (e->op == SHIM_OP_MMAP) {
		on_map(m, e, slot);
	} else if (e->op == SHIM_OP_MUNMAP) {
		on_unmap(m, e, slot);
	} else {
		m->sums.brk_calls++;
		m->sums.brk_bytes = (int64_t)((uint64_t)m->sums.brk_bytes + e->size);
	}
}

void mapped_batch(struct mapped *m, const struct event_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++)
		if (__builtin_expect(batch->events[i].op >= SHIM_OP_MMAP, 0))
			on_event(m, &batch->events[i], batch->slot);
}

/* ---- result --------------------------------------------------------------------------------- */

static int compare_by_stack(const void *a, const void *b)
{
	const struct mapped_site *x = a, *y = b;

	return x->stack < y->stack ? -1 : x->stack > y->stack;
}

/* Appends this process' stacks and melts those that are the same in the run. */
static void add_sites(struct mapped *m, struct mapped_result *r)
{
	size_t i, kept = 0, capacity = r->site_count;

	for (i = 0; i < m->process->stack_count; i++) {
		const struct stat *s = &m->stats[i];

		if (!s->calls)
			continue;
		r->sites = pool_grow(r->sites, &capacity, r->site_count + 1, sizeof(*r->sites));
		r->sites[r->site_count++] = (struct mapped_site){ .stack = m->process->stacks[i],
								  .calls = s->calls,
								  .bytes = s->bytes,
								  .live_bytes = s->live_bytes };
	}
	if (!r->site_count)
		return;
	qsort(r->sites, r->site_count, sizeof(*r->sites), compare_by_stack);
	for (i = 1; i < r->site_count; i++) {
		struct mapped_site *last = &r->sites[kept];

		if (last->stack != r->sites[i].stack) {
			r->sites[++kept] = r->sites[i];
			continue;
		}
		last->calls += r->sites[i].calls;
		last->bytes += r->sites[i].bytes;
		last->live_bytes += r->sites[i].live_bytes;
	}
	r->site_count = kept + 1;
}

void mapped_finish(struct mapped *m, struct mapped_result *r)
{
	unsigned kind;

	close_buckets(m, m->process->end_ticks);
	if (m->hand.timeline)
		timeline_at(&m->hand)->mapped_bytes += m->live;
	r->maps += m->sums.maps;
	r->unmaps += m->sums.unmaps;
	r->total_bytes += m->sums.total_bytes;
	r->executable_bytes += m->sums.executable_bytes;
	r->brk_calls += m->sums.brk_calls;
	r->brk_bytes = (int64_t)((uint64_t)r->brk_bytes + (uint64_t)m->sums.brk_bytes);
	for (kind = 0; kind < MAPPED_KINDS; kind++)
		r->live_bytes[kind] += m->sums.live_bytes[kind];
	if (m->peak > r->peak_bytes) {
		r->peak_bytes = m->peak;
		r->peak_ns = timebase_ns(&m->process->clock, m->peak_ticks);
		r->peak_process = m->number;
	}
	add_sites(m, r);
}

static int descending(uint64_t a, uint64_t b)
{
	return a > b ? -1 : a < b;
}

static int compare_sites(const void *a, const void *b, void *frames)
{
	const struct mapped_site *x = a, *y = b;
	int order = descending(x->live_bytes, y->live_bytes);

	if (!order)
		order = descending(x->bytes, y->bytes);
	if (!order)
		order = descending(x->calls, y->calls);
	return order ? order : frames_compare(frames, x->stack, y->stack);
}

void mapped_result_finish(struct mapped_result *r, const struct frames *frames)
{
	if (r->site_count)
		qsort_r(r->sites, r->site_count, sizeof(*r->sites), compare_sites, (void *)frames);
}

void mapped_result_free(struct mapped_result *r)
{
	free(r->sites);
	*r = (struct mapped_result){ 0 };
}
