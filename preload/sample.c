/* SPDX-License-Identifier: MIT */
/*
 * sample.c - see sample.h. In whole numbers: floating point would raise flags, and where the
 * program wants them, traps, that are the program's own.
 */
#include "sample.h"

#include "clock.h"
#include "sys.h"

#define LOG_BITS 32
#define LN2      UINT64_C(0xB17217F8) /* of 2^32 */

/* xorshift64* (Marsaglia 2003, Vigna 2016): full period over all states but 0. */
static uint64_t next_random(struct sample *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * UINT64_C(0x2545F4914F6CDD1D);
}

/* log2 of M / 2^63, M in [2^63, 2^64), in units of 2^-32: one squaring gives one bit. */
static uint64_t log2_of(uint64_t m)
{
	uint64_t bits = 0;
	int i;

	for (i = 0; i < LOG_BITS; i++) {
		unsigned __int128 square = (unsigned __int128)m * m;
		uint64_t is_two = (uint64_t)(square >> 127);

		bits = bits << 1 | is_two;
		m = (uint64_t)(square >> (63 + is_two));
	}
	return bits;
}

/*
 * -ln(U) * N for U uniform in (0, 1): log2(U) is the place of the first bit and the logarithm of
 * what follows. The whole bytes of it will do: S bytes reach a point at distance D when D < S,
 * which for whole S is floor(D) < S.
 */
void sample_draw(struct sample *s)
{
	uint64_t random = next_random(s), minus_log2;
	unsigned zeros;

	if (!random)
		random = 1;
	zeros = (unsigned)__builtin_clzll(random);
	minus_log2 = ((uint64_t)(zeros + 1) << LOG_BITS) - log2_of(random << zeros);
	s->left_bytes = (int64_t)(uint64_t)(((unsigned __int128)minus_log2 * LN2 >> LOG_BITS) *
						    s->mean_bytes >>
					    LOG_BITS);
}

void sample_begin(struct sample *s, uint64_t mean_bytes, uint64_t seed)
{
	s->mean_bytes = mean_bytes;
	s->random = seed;
	if (!seed && sys_call(SYS_getrandom, &s->random, sizeof(s->random), 1) != sizeof(s->random))
		s->random = clock_ticks() ^ (uint64_t)sys_gettid() << 40;
	if (!s->random)
		s->random = 1;
	if (mean_bytes)
		sample_draw(s);
}
