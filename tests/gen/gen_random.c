/* SPDX-License-Identifier: MIT */
/*
 * gen_random.c - see gen_trace.h: programs that never were, with threads that allocate, resize and
 * free at random, and the sums that a perfect report on them has.
 */
#include "gen_trace.h"

#include <stdlib.h>
#include <string.h>

struct gen_block_alive {
	uint64_t addr, size, name; /* name: number of its allocation */
	uint32_t stack;
	unsigned thread;
};

struct gen_world {
	struct gen *g;
	const struct gen_options *options;
	struct gen_truth *truth;
	uint64_t random, now, names, next_addr, live_bytes;
	struct gen_block_alive *alive;
	size_t alive_count, alive_capacity;
	uint64_t *addrs; /* free to be given out again */
	size_t addr_count, addr_capacity;
	struct shim_row **rows; /* by thread */
	size_t *row_counts;
	uint64_t *last; /* name of the thread's last allocation */
};

static uint64_t gen_dice(struct gen_world *w, uint64_t sides)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % sides;
}

uint32_t gen_leaf(unsigned i)
{
	return SHIM_STACK_FIRST + 1 + i;
}

static void gen_row(struct gen_world *w, unsigned thread, unsigned op, unsigned func, uint64_t addr,
		    uint64_t size, uint32_t stack)
{
	w->now += 1 + gen_dice(w, 300);
	w->rows[thread][w->row_counts[thread]++] = (struct shim_row){ .ticks = w->now,
								      .addr = addr,
								      .size = size,
								      .stack = stack,
								      .op = (uint8_t)op,
								      .func = (uint8_t)func };
	w->truth->events++;
	if (w->row_counts[thread] == w->options->block_rows) {
		gen_block(w->g, thread + 1, w->rows[thread], w->row_counts[thread],
			  w->options->layout);
		w->row_counts[thread] = 0;
	}
}

static struct gen_site *gen_site(struct gen_world *w, uint32_t stack)
{
	return &w->truth->sites[stack - gen_leaf(0)];
}

static void gen_add_live(struct gen_world *w, const struct gen_block_alive *b)
{
	struct gen_site *site = gen_site(w, b->stack);

	site->live_bytes += b->size;
	site->live_count++;
	w->live_bytes += b->size;
	if (w->alive_count == w->alive_capacity) {
		w->alive_capacity = w->alive_capacity * 2 + 1024;
		w->alive = realloc(w->alive, w->alive_capacity * sizeof(*w->alive));
		if (!w->alive)
			abort();
	}
	w->alive[w->alive_count++] = *b;
}

/*
 * At a new peak every stack's figures are those of now: exact, and slow enough only for few stacks.
 */
static void gen_look_at_peak(struct gen_world *w)
{
	unsigned i;

	if (w->live_bytes <= w->truth->peak_bytes)
		return;
	w->truth->peak_bytes = w->live_bytes;
	w->truth->peak_count = w->alive_count;
	if (w->options->stacks > 64)
		return;
	for (i = 0; i < w->options->stacks; i++) {
		w->truth->sites[i].peak_bytes = w->truth->sites[i].live_bytes;
		w->truth->sites[i].peak_count = w->truth->sites[i].live_count;
	}
}

static void gen_allocate(struct gen_world *w, unsigned thread, unsigned op, unsigned func)
{
	struct gen_block_alive b = { .thread = thread, .name = ++w->names };
	struct gen_site *site;

	b.size = gen_dice(w, 20) ? 1 + gen_dice(w, 20) * 16 : gen_dice(w, 100000);
	b.stack = gen_leaf((unsigned)gen_dice(w, w->options->stacks));
	if (w->addr_count)
		b.addr = w->addrs[--w->addr_count];
	else
		b.addr = w->next_addr += 64;
	gen_row(w, thread, op, func, b.addr, b.size, b.stack);
	gen_add_live(w, &b);
	site = gen_site(w, b.stack);
	site->allocations++;
	site->allocated_bytes += b.size;
	w->truth->allocations++;
	w->truth->reallocations += op == SHIM_OP_REALLOC_ALLOC;
	w->truth->allocated_bytes += b.size;
	w->last[thread] = b.name;
	gen_look_at_peak(w);
}

/* Takes a block out of those alive: mostly a recent one. */
static struct gen_block_alive gen_take(struct gen_world *w)
{
	size_t recent = w->alive_count < 8 ? w->alive_count : 8;
	size_t at = gen_dice(w, 10) ? w->alive_count - 1 - gen_dice(w, recent)
				    : gen_dice(w, w->alive_count);
	struct gen_block_alive b = w->alive[at];
	struct gen_site *site = gen_site(w, b.stack);

	w->alive[at] = w->alive[--w->alive_count];
	site->live_bytes -= b.size;
	site->live_count--;
	w->live_bytes -= b.size;
	return b;
}

static void gen_give_address(struct gen_world *w, uint64_t addr)
{
	if (w->addr_count == w->addr_capacity) {
		w->addr_capacity = w->addr_capacity * 2 + 1024;
		w->addrs = realloc(w->addrs, w->addr_capacity * sizeof(*w->addrs));
		if (!w->addrs)
			abort();
	}
	w->addrs[w->addr_count++] = addr;
}

static void gen_end_block(struct gen_world *w, const struct gen_block_alive *b, unsigned thread)
{
	gen_give_address(w, b->addr);
	if (w->last[thread] == b->name && b->thread == thread) {
		gen_site(w, b->stack)->temporary++;
		w->truth->temporary++;
	}
}

static void gen_release(struct gen_world *w, unsigned thread)
{
	struct gen_block_alive b = gen_take(w);

	gen_row(w, thread, SHIM_OP_FREE, SHIM_FUNC_FREE, b.addr, 0, 0);
	gen_end_block(w, &b, thread);
	w->truth->frees++;
}

static void gen_resize(struct gen_world *w, unsigned thread)
{
	struct gen_block_alive b = gen_take(w);
	unsigned outcome = (unsigned)gen_dice(w, 10);

	gen_row(w, thread, SHIM_OP_REALLOC_FREE, SHIM_FUNC_REALLOC, b.addr, outcome == 1 ? 0 : 77, 0);
	if (outcome == 0) { /* it fails */
		gen_row(w, thread, SHIM_OP_REALLOC_FAIL, SHIM_FUNC_REALLOC, b.addr, 0, 0);
		gen_add_live(w, &b);
		w->truth->failed++;
		return;
	}
	gen_end_block(w, &b, thread);
	if (outcome == 1) /* realloc(p, 0): a free */
		w->truth->frees++;
	else
		gen_allocate(w, thread, SHIM_OP_REALLOC_ALLOC, SHIM_FUNC_REALLOC);
}

static void gen_map(struct gen_world *w, unsigned thread)
{
	uint64_t addr = 0x700000000000 + (w->truth->maps << 20), size = 4096 * (1 + gen_dice(w, 16));

	gen_row(w, thread, SHIM_OP_MMAP, SHIM_FUNC_MMAP, addr, size, gen_leaf(0));
	w->truth->maps++;
	if (gen_dice(w, 2)) {
		gen_row(w, thread, SHIM_OP_MUNMAP, SHIM_FUNC_MUNMAP, addr, size, 0);
		w->truth->unmaps++;
	} else {
		w->truth->mapped_bytes += size;
	}
}

static void gen_step(struct gen_world *w, unsigned thread)
{
	uint64_t dice = gen_dice(w, 1000);

	if (dice < 2) {
		gen_map(w, thread);
	} else if (dice < 4) {
		gen_row(w, thread, SHIM_OP_ALLOC_FAIL, SHIM_FUNC_MALLOC, 0, 1u << 30, gen_leaf(0));
		w->truth->failed++;
	} else if (w->alive_count == 0 || dice < (w->alive_count < w->options->live ? 520u : 470u)) {
		gen_allocate(w, thread, SHIM_OP_ALLOC,
			     dice % 2 ? SHIM_FUNC_MALLOC : SHIM_FUNC_CALLOC);
	} else if (dice < 560) {
		gen_resize(w, thread);
	} else {
		gen_release(w, thread);
	}
}

static void gen_world_defs(struct gen_world *w)
{
	unsigned i;

	gen_module(w->g, 1, w->g->start_ticks, 0x400000, "/usr/bin/app", "\x12\x34", 0, 0x10000000);
	gen_stack(w->g, SHIM_STACK_FIRST, 0, 0x400800, 0);
	for (i = 0; i < w->options->stacks; i++)
		gen_stack(w->g, gen_leaf(i), SHIM_STACK_FIRST, 0x401000 + 16 * (uint64_t)i, 0);
	for (i = 0; i < w->options->threads; i++)
		gen_thread(w->g, i + 1, w->g->start_ticks, 4242 + i, i ? "worker" : "main");
	gen_defs(w->g, 0);
}

static void gen_world_end(struct gen_world *w)
{
	unsigned i;

	for (i = 0; i < w->options->threads; i++) {
		if (w->row_counts[i] && w->options->spool)
			gen_chunk(w->g, i + 1, w->rows[i], w->row_counts[i]);
		else if (w->row_counts[i])
			gen_block(w->g, i + 1, w->rows[i], w->row_counts[i], w->options->layout);
		free(w->rows[i]);
	}
	w->truth->live_bytes = w->live_bytes;
	w->truth->live_count = w->alive_count;
	if (!w->options->spool)
		gen_end(w->g, "exit");
	free(w->rows);
	free(w->row_counts);
	free(w->last);
	free(w->alive);
	free(w->addrs);
}

void gen_random(struct gen *g, const struct gen_options *options, struct gen_truth *truth)
{
	struct gen_world w = { .g = g, .options = options, .truth = truth };
	unsigned i, thread = 0;

	memset(truth, 0, sizeof(*truth));
	truth->sites = calloc(options->stacks, sizeof(*truth->sites));
	gen_begin(g, options->seed + 1, NULL);
	g->addressed = options->threads > 1;
	w.random = options->seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
	w.now = g->start_ticks;
	w.next_addr = 0x500000000000;
	w.rows = calloc(options->threads, sizeof(*w.rows));
	w.row_counts = calloc(options->threads, sizeof(*w.row_counts));
	w.last = calloc(options->threads, sizeof(*w.last));
	for (i = 0; i < options->threads; i++)
		w.rows[i] = malloc(options->block_rows * sizeof(**w.rows));
	gen_world_defs(&w);
	while (truth->events < options->events) {
		if (gen_dice(&w, 8) == 0)
			thread = (unsigned)gen_dice(&w, options->threads);
		gen_step(&w, thread);
	}
	gen_world_end(&w);
}
