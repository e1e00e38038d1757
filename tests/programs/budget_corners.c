/* SPDX-License-Identifier: MIT */
/* build: -O1 -fno-builtin -fno-optimize-sibling-calls -pthread */
/*
 * What is hard for a small SHIM_MAX_TRACE. usage: budget_corners WHAT COUNT
 *
 *   torn     COUNT blocks alive at once, then freed in an order that nothing foretells
 *   tiny     COUNT blocks of 1 to 8 bytes, 50,000 alive, as close to each other as the allocator puts them
 *   threads  COUNT threads one after the other, each with ten blocks
 *   crowd    100 threads at once, COUNT blocks each
 *   handed   COUNT blocks, 100 alive, each freed by another thread than the one that made it
 *   grown    COUNT reallocs of 200 blocks, by realloc, reallocarray and after memalign and calloc
 *   forks    COUNT blocks in each of four processes, three of them children of the first
 *   maps     COUNT mappings that come and go beside blocks
 *   fails    COUNT allocations that fail beside blocks
 *
 * Ten blocks of 77 bytes are lost at leak_early, before all the rest. Nothing else is: a perfect
 * report has no leak at `block`.
 */
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EARLY   10
#define WINDOW  64
#define TINY    50000
#define CROWD   100
#define HANDS   100
#define GROWN   200
#define EACH    10
#define NO_SIZE ((size_t)1 << 60)

static void *volatile lost;
static int volatile zero; /* keeps frames apart, and sizes from the compiler */
static _Thread_local uint64_t state = 0x9E3779B97F4A7C15;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static __attribute__((noinline)) void leak_early(void)
{
	lost = malloc(77);
}

static __attribute__((noinline)) void *block(size_t size)
{
	void *p = malloc(size);

	return zero ? NULL : p;
}

static void **table(long count)
{
	void *p = mmap(NULL, (size_t)count * sizeof(void *), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

static void torn(long count)
{
	void **blocks = table(count);
	long i;

	for (i = 0; i < count; i++)
		blocks[i] = block(1 + next_random() % 100);
	for (i = count - 1; i >= 0; i--) {
		long j = (long)(next_random() % (uint64_t)(i + 1));

		free(blocks[j]);
		blocks[j] = blocks[i];
	}
}

static void tiny(long count)
{
	void **blocks = table(TINY);
	long i;

	for (i = 0; i < count; i++) {
		void **slot = &blocks[next_random() % TINY];

		free(*slot);
		*slot = block(1 + next_random() % 8);
	}
	for (i = 0; i < TINY; i++)
		free(blocks[i]);
}

static void *live_shortly(void *argument)
{
	void *blocks[EACH];
	int i;

	for (i = 0; i < EACH; i++)
		blocks[i] = block(100 + (size_t)i);
	for (i = 0; i < EACH; i++)
		free(blocks[i]);
	return argument;
}

static void start(pthread_t *thread, void *(*body)(void *), void *argument)
{
	if (pthread_create(thread, NULL, body, argument))
		exit(1);
}

static void threads(long count)
{
	pthread_t thread;
	long i;

	for (i = 0; i < count; i++) {
		start(&thread, live_shortly, NULL);
		pthread_join(thread, NULL);
	}
}

/* The blocks of a window, each freed when its place is needed again. */
static void churn(long count, void (*between)(void))
{
	void *window[WINDOW] = { NULL };
	long i;

	for (i = 0; i < count; i++) {
		void **slot = &window[next_random() % WINDOW];

		if (between)
			between();
		free(*slot);
		*slot = block(1 + next_random() % 200);
	}
	for (i = 0; i < WINDOW; i++)
		free(window[i]);
}

static void *in_crowd(void *argument)
{
	state += (uint64_t)(uintptr_t)&argument;
	churn(*(long *)argument, NULL);
	return NULL;
}

static void crowd(long count)
{
	pthread_t all[CROWD];
	int i;

	for (i = 0; i < CROWD; i++)
		start(&all[i], in_crowd, &count);
	for (i = 0; i < CROWD; i++)
		pthread_join(all[i], NULL);
}

static void *hands[HANDS];
static long hands_left;
static pthread_mutex_t hands_lock = PTHREAD_MUTEX_INITIALIZER;

static void *hand_on(void *argument)
{
	long left = 1;

	state += (uint64_t)(uintptr_t)&argument;
	while (left > 0) {
		void *mine = block(1 + next_random() % 300), *theirs;
		void **slot = &hands[next_random() % HANDS];

		pthread_mutex_lock(&hands_lock);
		theirs = *slot;
		*slot = mine;
		left = --hands_left;
		pthread_mutex_unlock(&hands_lock);
		free(theirs);
	}
	return NULL;
}

static void handed(long count)
{
	pthread_t all[4];
	int i;

	hands_left = count;
	for (i = 0; i < 4; i++)
		start(&all[i], hand_on, NULL);
	for (i = 0; i < 4; i++)
		pthread_join(all[i], NULL);
	for (i = 0; i < HANDS; i++)
		free(hands[i]);
}

static __attribute__((noinline)) void *begin_block(unsigned how)
{
	void *p = NULL;

	switch (how % 4) {
	case 0:
		p = calloc(3, 7);
		break;
	case 1:
		p = memalign(64, 50);
		break;
	case 2:
		if (posix_memalign(&p, 32, 100))
			exit(1);
		break;
	default:
		p = aligned_alloc(16, 48);
	}
	return zero ? NULL : p;
}

static __attribute__((noinline)) void *grow_block(void *old, size_t size)
{
	void *p = size & 1 ? realloc(old, size) : reallocarray(old, size / 2, 2);

	if (!p)
		exit(1);
	/* One that fails changes nothing. */
	if (size % 5 == 0 && realloc(p, NO_SIZE << zero))
		exit(1);
	return zero ? NULL : p;
}

static void grown(long count)
{
	void *blocks[GROWN] = { NULL };
	long i;

	for (i = 0; i < count; i++) {
		void **slot = &blocks[next_random() % GROWN];
		unsigned what = (unsigned)(next_random() >> 40) % 16;

		if (what == 0) {
			free(*slot);
			*slot = NULL;
		} else if (what == 1) {
			free(*slot);
			*slot = begin_block((unsigned)i);
		} else {
			*slot = grow_block(*slot, 2 + next_random() % 2000);
		}
	}
	for (i = 0; i < GROWN; i++)
		free(blocks[i]);
}

static void map_one(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED || munmap(p, 4096))
		exit(1);
}

static void fail_one(void)
{
	if (malloc(NO_SIZE << zero))
		exit(1);
}

static void forks(long count)
{
	int i, status;
	pid_t child;

	churn(count, NULL);
	for (i = 0; i < 3; i++) {
		child = fork();
		if (child == 0) {
			churn(count, NULL);
			exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			exit(1);
	}
}

int main(int argc, char **argv)
{
	long count = argc > 2 ? atol(argv[2]) : 1000;
	const char *what = argc > 1 ? argv[1] : "torn";
	int i;

	for (i = 0; i < EARLY; i++)
		leak_early();
	if (strcmp(what, "torn") == 0)
		torn(count);
	else if (strcmp(what, "tiny") == 0)
		tiny(count);
	else if (strcmp(what, "threads") == 0)
		threads(count);
	else if (strcmp(what, "crowd") == 0)
		crowd(count);
	else if (strcmp(what, "handed") == 0)
		handed(count);
	else if (strcmp(what, "grown") == 0)
		grown(count);
	else if (strcmp(what, "forks") == 0)
		forks(count);
	else if (strcmp(what, "maps") == 0)
		churn(count, map_one);
	else if (strcmp(what, "fails") == 0)
		churn(count, fail_one);
	else
		return 2;
	return 0;
}
