/* SPDX-License-Identifier: MIT */
/* budget.c - see budget.h. */
#include "budget.h"

#include "sample.h"

#define SAMPLE_FIRST 4096 /* of blocks of 64 bytes, one in 64 */
#define SAMPLE_GROWS 4

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

static void next_sample(struct budget *b)
{
	if (!b->sample_bytes)
		b->sample_bytes = SAMPLE_FIRST;
	else if (b->sample_bytes <= SAMPLE_BYTES_MAX / SAMPLE_GROWS)
		b->sample_bytes *= SAMPLE_GROWS;
}

int budget_advance(struct budget *b, uint64_t size_bytes)
{
	if (!b->limit_bytes || size_bytes < b->next_bytes)
		return 0;
	/* One large block may pass several marks: each step is taken, and told, in its turn. */
	if (b->step != SHIM_STEP_SAMPLED)
		b->step++;
	if (b->step == SHIM_STEP_SAMPLED) {
		next_sample(b);
		b->next_bytes = size_bytes + (b->limit_bytes - size_bytes) / 2;
		if (size_bytes >= b->limit_bytes)
			b->next_bytes = UINT64_MAX;
	} else {
		b->next_bytes = b->limit_bytes / 64 * begins[b->step + 1];
	}
	return 1;
}
