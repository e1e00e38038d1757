/* SPDX-License-Identifier: MIT */
/*
 * sample.h - which allocations are recorded when not all of them are: a Poisson sample by bytes.
 *
 * Points lie on the stream of a thread's allocated bytes at independent, exponentially distributed
 * distances of N bytes in the mean, and an allocation that a point falls into is recorded. So one
 * of S bytes is recorded with probability 1 - exp(-max(S, 1) / N), independently of all others
 * (docs/trace-format.md, 2.3). The hot path counts down the distance to the next point.
 */
#ifndef PRELOAD_SAMPLE_H
#define PRELOAD_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#define SAMPLE_BYTES_MAX (UINT64_C(1) << 46)

struct sample {
	uint64_t mean_bytes; /* N; 0: every allocation is recorded, and the rest means nothing */
	int64_t left_bytes;  /* to the next point */
	uint64_t random;     /* state of the generator */
};

/*
 * Begins anew with MEAN_BYTES (at most SAMPLE_BYTES_MAX), from SEED if it is not 0, else from the
 * kernel's randomness. Context: any thread, inside the guard.
 */
void sample_begin(struct sample *s, uint64_t mean_bytes, uint64_t seed);

/* Draws the distance to the next point. Context: the thread that S belongs to. */
void sample_draw(struct sample *s);

/* 1 if an allocation of SIZE bytes (below 2^62) is in the sample. Context: the thread that S belongs to. */
static inline int sample_hits(struct sample *s, size_t size)
{
	s->left_bytes -= (int64_t)(size + !size);
	if (__builtin_expect(s->left_bytes >= 0, 1))
		return 0;
	sample_draw(s);
	return 1;
}

#endif
