/* SPDX-License-Identifier: MIT */
/*
 * test_heap_sampled.c - the heap pass on samples of made-up programs, of which everything is known:
 * totals, sites, leaks and peak lie in their intervals as often as these say. Fixed seeds.
 */
#include "../gen/trace_fixture.h"

#include <math.h>

#define T0   1000000
#define N    UINT64_C(16384)
#define RUNS 600

static uint64_t seed;

/* splitmix64 (Steele, Lea and Flood 2014) */
static uint64_t draw(void)
{
	uint64_t z = seed += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

static int is_sampled(uint64_t size)
{
	double p = -expm1(-(double)(size ? size : 1) / (double)N);

	return (double)(draw() >> 11) * 0x1p-53 < p;
}

#define LIVE  3000 /* blocks once the program has warmed up */
#define CHURN 6000 /* of them that are replaced by others then */
#define SITES 6

struct truth {
	uint64_t allocations, allocated_bytes, live_count, live_bytes, peak_bytes;
	uint64_t site_bytes[SITES], site_count[SITES];
};

struct program {
	struct gen g;
	struct truth truth;
	struct shim_row *rows;
	size_t row_count, capacity;
	uint64_t ticks;
	struct program_block {
		uint64_t size, addr;
		unsigned site;
		int followed;
	} blocks[LIVE];
};

static void add_row(struct program *p, const struct shim_row *row)
{
	p->rows = pool_grow(p->rows, &p->capacity, p->row_count + 1, sizeof(*p->rows));
	p->rows[p->row_count++] = *row;
}

/* Sizes by site: the last has few blocks, so that few samples or none stand for it. */
static uint64_t size_at(unsigned site)
{
	static const uint64_t least[SITES] = { 100, 200, 1000, 4000, 400, 6000 };

	return least[site] + draw() % (least[site] + 1);
}

static void allocate(struct program *p, struct program_block *b)
{
	uint64_t dice = draw() % 1000;
	struct shim_row row = ROW(p->ticks += 10, ALLOC, MALLOC, 0, 0, 0);

	b->site = dice < 5 ? 5 : (unsigned)(dice % 5);
	b->size = size_at(b->site);
	b->addr = 0x10000 + 0x100000 * (uint64_t)(b - p->blocks);
	b->followed = is_sampled(b->size);
	row.addr = b->addr;
	row.size = b->size;
	row.stack = 2 + b->site;
	if (b->followed)
		add_row(p, &row);
	p->truth.allocations++;
	p->truth.allocated_bytes += b->size;
	p->truth.live_bytes += b->size;
	p->truth.live_count++;
	p->truth.site_bytes[b->site] += b->size;
	p->truth.site_count[b->site]++;
	if (p->truth.live_bytes > p->truth.peak_bytes)
		p->truth.peak_bytes = p->truth.live_bytes;
}

static void release(struct program *p, struct program_block *b)
{
	struct shim_row row = ROW(p->ticks += 10, FREE, FREE, b->addr, 0, 0);

	if (b->followed)
		add_row(p, &row);
	p->truth.live_bytes -= b->size;
	p->truth.live_count--;
	p->truth.site_bytes[b->site] -= b->size;
	p->truth.site_count[b->site]--;
}

/* Runs a program and analyses what a sample shows of it; *A and the run are the caller's. */
static struct run *sample_program(uint64_t number, struct truth *truth, struct analysis *a)
{
	struct program *p = xcalloc(1, sizeof(*p));
	struct run *run;
	unsigned i;

	seed = number;
	p->ticks = T0;
	gen_begin(&p->g, 3, NULL);
	gen_module(&p->g, 1, T0, 0, "/bin/app", "\x01", 0, 0x100000);
	for (i = 0; i < SITES; i++)
		gen_stack(&p->g, 2 + i, 0, 0x1000 + 16 * i, 0);
	gen_defs(&p->g, 0);
	for (i = 0; i < LIVE; i++)
		allocate(p, &p->blocks[i]);
	for (i = 0; i < CHURN; i++) {
		struct program_block *b = &p->blocks[draw() % LIVE];

		release(p, b);
		allocate(p, b);
	}
	p->g.sample_bytes = N;
	gen_block(&p->g, 1, p->rows, p->row_count, SHIM_LAYOUT_ROWS);
	gen_end(&p->g, "exit");
	assert_int_equal(gen_write(&p->g, fixture_path), 0);
	gen_free(&p->g);
	*truth = p->truth;
	free(p->rows);
	free(p);
	run = fixture_analyse(&(struct analysis_request){ .jobs = 1 }, a);
	return run;
}

static int covers(struct estimate_range range, uint64_t truth)
{
	return range.low <= truth && truth <= range.high;
}

static const struct heap_site *site_at(const struct run *run, const struct analysis *a, unsigned site)
{
	size_t i;

	for (i = 0; i < a->heap.site_count; i++)
		if (a->heap.sites[i].stack == process_stack(run->processes[0], 2 + site))
			return &a->heap.sites[i];
	return NULL;
}

static void truth_lies_in_the_intervals(void **state)
{
	unsigned allocations = 0, allocated = 0, live_count = 0, live = 0, peak = 0, i, k;
	unsigned site_bytes = 0, site_count = 0, sites = 0, few_bytes = 0, few_count = 0, few = 0;
	double bias = 0, naive_bias = 0;

	(void)state;
	for (i = 0; i < RUNS; i++) {
		struct truth truth;
		struct analysis a;
		struct run *run = sample_program(1000 + i, &truth, &a);
		const struct heap_totals *t = &a.heap.totals;
		const struct heap_estimates *e = &t->estimates;

		allocations += (unsigned)covers(estimate_count_range(&e->allocated, t->allocations),
						truth.allocations);
		allocated += (unsigned)covers(estimate_bytes_range(&e->allocated, t->allocated_bytes),
					      truth.allocated_bytes);
		live_count += (unsigned)covers(estimate_count_range(&e->live, t->live_count),
					       truth.live_count);
		live += (unsigned)covers(estimate_bytes_range(&e->live, t->live_bytes),
					 truth.live_bytes);
		peak += (unsigned)covers(heap_peak_range(t), truth.peak_bytes);
		naive_bias += (double)t->peak_bytes / (double)truth.peak_bytes - 1;
		bias += (double)t->peak_likely_bytes / (double)truth.peak_bytes - 1;
		for (k = 0; k < SITES; k++) {
			const struct heap_site *s = site_at(run, &a, k);
			unsigned bytes, count;

			if (!s || !s->live_count)
				continue;
			bytes = (unsigned)covers(
				estimate_bytes_range(&s->estimates->live, s->live_bytes),
				truth.site_bytes[k]);
			count = (unsigned)covers(
				estimate_count_range(&s->estimates->live, s->live_count),
				truth.site_count[k]);
			site_bytes += bytes;
			site_count += count;
			sites++;
			if (s->estimates->live.samples > 3)
				continue;
			few_bytes += bytes;
			few_count += count;
			few++;
		}
		analysis_free(&a);
		run_close(run);
	}
	/* 95 % of 600: it takes a chance of 1 in 10^6 to be outside of 90 to 99 %. */
	assert_in_range(allocations, RUNS * 90 / 100, RUNS * 99 / 100);
	assert_in_range(allocated, RUNS * 90 / 100, RUNS * 99 / 100);
	assert_in_range(live_count, RUNS * 90 / 100, RUNS * 99 / 100);
	assert_in_range(live, RUNS * 90 / 100, RUNS * 99 / 100);
	assert_in_range(peak, RUNS * 90 / 100, RUNS * 99 / 100);
	print_message("in their intervals, of %u: allocations %u, bytes %u, live %u and %u, peak %u\n",
		      RUNS, allocations, allocated, live_count, live, peak);
	print_message("of %u sites %u and %u, of %u with few samples %u and %u\n", sites,
		      site_bytes, site_count, few, few_bytes, few_count);
	assert_true(sites > 3000 && few > 150);
	assert_true(site_bytes >= sites * 9 / 10 && site_bytes < sites);
	assert_true(site_count >= sites * 9 / 10 && site_count < sites);
	assert_true(few_bytes >= few * 9 / 10 && few_count >= few * 9 / 10);
	/* This program stays at its peak for long, where a largest value of all lies highest. */
	naive_bias /= RUNS;
	bias /= RUNS;
	print_message("peak: %+.1f %% by its largest value, %+.1f %% as corrected\n",
		      100 * naive_bias, 100 * bias);
	assert_true(naive_bias > 0.03);
	assert_true(fabs(bias) < naive_bias / 2);
}

/* What one of four blocks in a sample with p = 1/2 stands for. */
static void filters_hold_for_samples(void **state)
{
	const struct shim_row rows[] = {
		ROW(T0 + 1000, ALLOC, MALLOC, 0x100, 25469, 2),
		ROW(T0 + 2000, ALLOC, MALLOC, 0x200, 25469, 3),
		ROW(T0 + 3000, ALLOC, MALLOC, 0x300, 25469, 2),
		ROW(T0 + 4000, FREE, FREE, 0x100, 0, 0),
		ROW(T0 + 5000, FREE, FREE, 0x200, 0, 0),
		ROW(T0 + 6000, ALLOC, MALLOC, 0x400, 25469, 2),
	};
	struct analysis a;
	struct run *run;
	struct gen g;
	unsigned layout;

	(void)state;
	for (layout = SHIM_LAYOUT_ROWS; layout <= SHIM_LAYOUT_COLUMNS; layout++) {
		const struct heap_totals *t = &a.heap.totals;

		gen_begin(&g, 3, NULL);
		gen_module(&g, 1, T0, 0, "/bin/app", "\x01", 0, 0x100000);
		gen_stack(&g, 2, 0, 0x1000, 0);
		gen_stack(&g, 3, 0, 0x1010, 0);
		gen_defs(&g, 0);
		g.sample_bytes = 36744;
		gen_block(&g, 1, rows, 6, layout);
		gen_end(&g, "exit");
		assert_int_equal(gen_write(&g, fixture_path), 0);
		gen_free(&g);
		run = fixture_analyse(&(struct analysis_request){ .jobs = 1,
								  .from = "0.0000015",
								  .to = "0.0000055" },
				      &a);
		assert_int_equal(t->allocations, 2 * 2);
		assert_int_equal(t->frees, 2); /* of the one block that counts */
		assert_int_equal(t->live_bytes, 2 * 25469);
		assert_int_equal(t->peak_count, 4);
		assert_int_equal(t->estimates.live.samples, 1);
		analysis_free(&a);
		run_close(run);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truth_lies_in_the_intervals),
		cmocka_unit_test(filters_hold_for_samples),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
