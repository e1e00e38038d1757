/* SPDX-License-Identifier: MIT */
/* budget.c - see budget.h. */
#include "budget.h"

#include "sample.h"

#define SAMPLE_FIRST 4096 /* of blocks of 64 bytes, one in 64 */
#define SAMPLE_GROWS 4
#define REST_SMALL   (64u << 10) /* soon a block's own bytes are much of what is left: hurry */
#define GROWS_FASTER 16
#define ROWS_LEAST   64
#define OTHERS_PART  32 /* of the limit: a sixth of what the last step has */

/* In sixty-fourths of the limit: where each step begins. */
static const uint8_t begins[] = {
	[SHIM_STEP_TIMES] = 32,
	[SHIM_STEP_FOLDED] = 40,
	[SHIM_STEP_SAMPLED] = 52,
};

void budget_begin(struct budget *b, uint64_t limit_bytes, uint64_t sample_bytes)
{
	*b = (struct budget){
		.limit_bytes = limit_bytes,
		.next_bytes = limit_bytes / 64 * begins[SHIM_STEP_TIMES],
		.step = SHIM_STEP_EXACT,
		.sample_bytes = sample_bytes,
	};
}

static uint64_t rest_of(const struct budget *b, uint64_t size_bytes)
{
	return b->limit_bytes > size_bytes ? b->limit_bytes - size_bytes : 0;
}

static void next_sample(struct budget *b, uint64_t size_bytes)
{
	unsigned grows = rest_of(b, size_bytes) < REST_SMALL ? GROWS_FASTER : SAMPLE_GROWS;

	if (!b->sample_bytes)
		b->sample_bytes = SAMPLE_FIRST;
	else if (b->sample_bytes <= SAMPLE_BYTES_MAX / grows)
		b->sample_bytes *= grows;
}

struct budget_rows budget_look_at(const struct shim_row *rows, uint32_t count)
{
	static const int8_t changes[SHIM_OP_COUNT] = {
		[SHIM_OP_ALLOC] = 1,         [SHIM_OP_FREE] = -1,
		[SHIM_OP_REALLOC_FREE] = -1, [SHIM_OP_REALLOC_ALLOC] = 1,
		[SHIM_OP_REALLOC_FAIL] = 1,
	};
	struct budget_rows found = { 0, 0 };
	uint32_t i;

	/* An op 4 without address is no block. */
	for (i = 0; i < count; i++) {
		found.live_count += rows[i].addr ? changes[rows[i].op] : 0;
		found.other_count += rows[i].op >= SHIM_OP_ALLOC_FAIL;
	}
	return found;
}

int budget_others(struct budget *b, uint64_t bytes)
{
	if (b->step != SHIM_STEP_SAMPLED || b->is_bare)
		return 0;
	b->other_bytes += bytes;
	b->is_bare = b->other_bytes > b->limit_bytes / OTHERS_PART;
	return b->is_bare;
}

int budget_advance(struct budget *b, uint64_t size_bytes, uint64_t ticks)
{
	size_bytes += budget_reserved(b);
	if (!b->limit_bytes || size_bytes < b->next_bytes)
		return 0;
	/* One large block may pass several marks: each step is taken, and told, in its turn. */
	if (b->step != SHIM_STEP_SAMPLED)
		b->begin_ticks[++b->step] = ticks;
	if (b->step == SHIM_STEP_SAMPLED) {
		next_sample(b, size_bytes);
		/* The estimate of what is not written yet may be too high: wait for some more then. */
		b->next_bytes = size_bytes + rest_of(b, size_bytes) / 2;
		if (!rest_of(b, size_bytes))
			b->next_bytes += b->limit_bytes / 64;
	} else {
		b->next_bytes = b->limit_bytes / 64 * begins[b->step + 1];
	}
	return 1;
}

uint64_t budget_rows(const struct budget *b, uint64_t size_bytes, uint32_t threads)
{
	uint64_t part, rows;

	if (!b->limit_bytes)
		return UINT64_MAX;
	part = b->step == SHIM_STEP_SAMPLED ? rest_of(b, size_bytes) / 4 : b->limit_bytes / 16;
	rows = part / BUDGET_ROW_BYTES / (threads ? threads : 1);
	return rows > ROWS_LEAST ? rows : ROWS_LEAST;
}
