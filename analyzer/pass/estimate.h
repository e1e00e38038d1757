/* SPDX-License-Identifier: MIT */
/*
 * estimate.h - what a sample says about all: sums over sampled blocks, each standing for 1/p of its
 * kind, and how far off they may be.
 *
 * A block of SIZE bytes is in a sample of mean distance N with probability p = 1 - exp(-max(SIZE, 1)
 * / N), whatever becomes of the others (docs/trace-format.md, 2.3). Then the sums of 1/p and SIZE/p
 * over the sampled are unbiased for the number and bytes of all (Horvitz and Thompson 1952), and the
 * sums of (1 - p) / p^2, times SIZE^2 for bytes, are unbiased for their variances.
 *
 * Intervals: few samples make skewed sums, of which a normal approximation covers too little. Behind
 * a sampled block stand on average (1 - p) / p that are not in the sample, as many as fail before the
 * next success: variance (1 - p) / p^2, third moment (1 - p) (2 - p) / p^3. What is not seen is taken
 * for a gamma distribution with the mean, variance V and third moment M of the sum (shape 4 V^3 / M^2,
 * scale M / 2V); the limits are its quantiles, the upper one with a shape larger by 1. For small p
 * and equal weights that is the exact interval of a Poisson count, scaled as Dobson, Kuulasmaa,
 * Eberle and Scherer do (Statistics in Medicine 10:457, 1991). For unequal ones it takes the
 * effective number of samples for their number, where theirs covers less when few samples carry most
 * of the sum. tests/unit/test_estimate.c shows what it covers.
 *
 * Sums are kept in fixed point: what goes out of a sum is then exactly what came in, whatever the
 * order, and nothing is left when all is gone.
 */
#ifndef PASS_ESTIMATE_H
#define PASS_ESTIMATE_H

#include <stdint.h>

#define ESTIMATE_BITS 20 /* behind the point */

__extension__ typedef unsigned __int128 estimate_sum;

/* What one sampled block adds. */
struct weight {
	estimate_sum bytes, count;
	estimate_sum bytes_variance, count_variance;
	estimate_sum bytes_third, count_third; /* central moments */
	estimate_sum bytes_chance; /* the part of bytes that is a matter of chance: its deviation */
	uint64_t size, distance;
};

/* Zero-initialise. */
struct estimate {
	estimate_sum bytes, count;
	estimate_sum bytes_variance, count_variance;
	estimate_sum bytes_third, count_third;
	uint64_t seen_bytes; /* of the sampled blocks themselves */
	uint64_t samples;    /* blocks behind the sums */
	/* The largest mean distance of any block that was added, and how many of such are there. */
	uint64_t most_distance, most_samples;
	uint64_t run_distance; /* see estimate_beside */
};

/*
 * The weight of a block of SIZE bytes in a sample of mean distance DISTANCE (0: everything is
 * recorded, the weight is 1).
 */
void weight_of(struct weight *w, uint64_t size, uint64_t distance);

/* Beyond any sound trace. What is larger reads as this, so that sums of several do not wrap. */
#define ESTIMATE_MOST (UINT64_C(1) << 60)

/* To the nearest whole number. */
static inline uint64_t estimate_round(estimate_sum sum)
{
	estimate_sum rounded = (sum + (1u << (ESTIMATE_BITS - 1))) >> ESTIMATE_BITS;

	return rounded > ESTIMATE_MOST ? ESTIMATE_MOST : (uint64_t)rounded;
}

static inline uint64_t estimate_bytes(const struct estimate *e)
{
	return estimate_round(e->bytes);
}

static inline uint64_t estimate_count(const struct estimate *e)
{
	return estimate_round(e->count);
}

/*
 * TIMES blocks of weight W more, or less. *BYTES and *COUNT (either may be NULL) are numbers that
 * hold what was counted exactly and E rounded; they change as E does.
 */
void estimate_add(struct estimate *e, const struct weight *w, uint64_t times, uint64_t *bytes,
		  uint64_t *count);
void estimate_drop(struct estimate *e, const struct weight *w, uint64_t times, uint64_t *bytes,
		   uint64_t *count);
/*
 * E is of a run in which samples got sparser, to DISTANCE in the end: where none of E's blocks is of
 * that distance, as much may have been missed then as a sample without a hit allows, and ranges say so.
 */
void estimate_beside(struct estimate *e, uint64_t distance);

/* The true number lies in it with a probability of 95 %, ends included. */
struct estimate_range {
	uint64_t low, high;
};

/*
 * Where the true number lies of which BYTES (COUNT) is what was counted exactly and E rounded. It
 * is never below what was seen.
 */
struct estimate_range estimate_bytes_range(const struct estimate *e, uint64_t bytes);
struct estimate_range estimate_count_range(const struct estimate *e, uint64_t count);
/* The limits, 95 %, of the mean of a Poisson variable of which X was counted; X need not be whole. */
double estimate_poisson_low(double x);
double estimate_poisson_high(double x);

/* Adds E to INTO, of another process or kind. */
void estimate_merge(struct estimate *into, const struct estimate *e);

#endif
