/* SPDX-License-Identifier: MIT */
/* build: -O2 -fno-builtin -fno-optimize-sibling-calls -pthread */
/*
 * As many million events as the argument says (default: 1), half of them malloc, half free, by as
 * many threads as the second one says (default: 1), sizes from 1 byte to 64 KiB at sites of depths
 * 1 to 16. Some blocks die at once, most within a hundred others, some live for long. At four sites
 * blocks are lost: leak_first before all the rest, leak_middle and leak_last when a half and nine
 * tenths of the work are done, leak_always all the while. With a third argument as many blocks of
 * 1 MiB live at crest, after leak_first and before the work: from 64 on, with a few threads, that is
 * the peak. What was allocated and lost and the peak, if there was a crest, are printed, as the
 * program's own count, one line for each: name, blocks, bytes.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS   64
#define WINDOW    128
#define LONG      4096
#define LOST_PART 1000
#define SITES     16
#define CREST     1024
#define MIB       ((size_t)1 << 20)

struct count {
	uint64_t blocks, bytes;
};

struct worker {
	pthread_t thread;
	uint64_t pairs;
	uint64_t random;
	struct count all, always, middle, last;
	void *window[WINDOW], *longer[LONG];
};

static struct worker workers[THREADS];
static void *volatile lost;
static int volatile zero; /* keeps frames apart */
static int volatile newest;

static uint64_t next_random(struct worker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* Small mostly: 1 to 128 bytes for 7 in 8, up to 1 KiB for most others, up to 64 KiB for one in 256. */
static size_t a_size(uint64_t random)
{
	size_t size = random >> 16 & 0xffff;

	if (random & 7)
		return 1 + (size & 127);
	if (random & 0xf8)
		return 1 + (size & 1023);
	return 1 + size;
}

static void *keep(struct count *c, void *p, size_t size)
{
	c->blocks++;
	c->bytes += size;
	return p;
}

static __attribute__((noinline)) void *at_depth(struct worker *w, size_t size, unsigned depth)
{
	void *p;

	if (depth == 0)
		return keep(&w->all, malloc(size), size);
	p = at_depth(w, size, depth - 1);
	return zero ? NULL : p;
}

/* Each writes another number, or the compiler would make one function of all. */
#define LEAK(name, number)                                                                         \
	static __attribute__((noinline)) void name(struct worker *w, struct count *c, size_t size) \
	{                                                                                          \
		lost = keep(&w->all, keep(c, malloc(size), size), size);                           \
		newest = number;                                                                   \
	}
LEAK(leak_first, 0)
LEAK(leak_middle, 1)
LEAK(leak_always, 2)
LEAK(leak_last, 3)

static void lose_many(struct worker *w, struct count *c,
		      void (*leak)(struct worker *, struct count *, size_t))
{
	int i;

	for (i = 0; i < LOST_PART; i++)
		leak(w, c, 100 + (size_t)i);
}

static __attribute__((noinline)) void crest(struct worker *w, int count)
{
	static void *blocks[CREST];
	int i;

	for (i = 0; i < count; i++)
		blocks[i] = keep(&w->all, malloc(MIB), MIB);
	for (i = 0; i < count; i++)
		free(blocks[i]);
}

static __attribute__((noinline)) void *work(void *argument)
{
	struct worker *w = argument;
	uint64_t i, always = w->pairs / LOST_PART ? w->pairs / LOST_PART : 1;

	for (i = 0; i < w->pairs; i++) {
		uint64_t random = next_random(w);
		void **slot = random >> 58 ? &w->window[random >> 40 & (WINDOW - 1)]
					   : &w->longer[random >> 40 & (LONG - 1)];

		free(*slot);
		*slot = at_depth(w, a_size(random), (unsigned)(random >> 32) & (SITES - 1));
		if (i % always == 0)
			leak_always(w, &w->always, 1000);
		if (i == w->pairs / 2)
			lose_many(w, &w->middle, leak_middle);
		if (i == w->pairs / 10 * 9)
			lose_many(w, &w->last, leak_last);
	}
	for (i = 0; i < WINDOW; i++)
		free(w->window[i]);
	for (i = 0; i < LONG; i++)
		free(w->longer[i]);
	return NULL;
}

static void print(const char *name, const struct count *c)
{
	printf("%s %llu %llu\n", name, (unsigned long long)c->blocks, (unsigned long long)c->bytes);
}

static void add(struct count *to, const struct count *c)
{
	to->blocks += c->blocks;
	to->bytes += c->bytes;
}

int main(int argc, char **argv)
{
	uint64_t pairs = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1) * 500000;
	int threads = argc > 2 ? atoi(argv[2]) : 1, high = argc > 3 ? atoi(argv[3]) : 0, i;
	static struct count first, peak, all, always, middle, last;

	if (threads < 1 || threads > THREADS || high < 0 || high > CREST)
		return 1;
	lose_many(&workers[0], &first, leak_first);
	peak = (struct count){ first.blocks + (uint64_t)high, first.bytes + (uint64_t)high * MIB };
	crest(&workers[0], high);
	for (i = 0; i < threads; i++) {
		workers[i].pairs = pairs / (uint64_t)threads;
		workers[i].random = 0x9E3779B97F4A7C15u * (uint64_t)(i + 1);
		if (threads == 1)
			work(&workers[i]);
		else if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return 1;
	}
	for (i = 0; i < threads; i++) {
		if (threads > 1)
			pthread_join(workers[i].thread, NULL);
		add(&all, &workers[i].all);
		add(&always, &workers[i].always);
		add(&middle, &workers[i].middle);
		add(&last, &workers[i].last);
	}
	print("allocated", &all);
	print("leak_first", &first);
	print("leak_middle", &middle);
	print("leak_last", &last);
	print("leak_always", &always);
	if (high)
		print("peak", &peak);
	return 0;
}
