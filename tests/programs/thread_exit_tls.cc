/* SPDX-License-Identifier: MIT */
/*
 * Frees and allocations that happen while a thread ends: C++ thread_local destructors, pthread key
 * destructors (which run after them, up to four rounds), detached threads, and pthread_exit.
 * A perfect report says:
 * truth: leak fill_thread_local 0 0
 * truth: leak fill_key 0 0
 * truth: leak leak_in_destructor 20 460
 * truth: allocs leak_in_destructor 20 460
 */
/* build: -O0 -pthread */
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <pthread.h>
#include <vector>

static pthread_key_t key;
static std::atomic<int> ended, rounds;
static void *volatile sink;

struct holder {
	std::vector<std::unique_ptr<char[]>> blocks;
	~holder()
	{
		blocks.clear();
	}
};

static thread_local holder local;

extern "C" void fill_thread_local()
{
	for (int i = 0; i < 50; i++)
		local.blocks.emplace_back(new char[300]);
}

extern "C" void fill_key()
{
	pthread_setspecific(key, std::malloc(400));
}

extern "C" void leak_in_destructor()
{
	sink = std::malloc(23);
}

/* Sets its key again once, so that a second round runs. */
static void destroy_key(void *value)
{
	std::free(value);
	static thread_local int round;
	if (round++ == 0) {
		leak_in_destructor();
		fill_key();
	} else {
		rounds++;
	}
}

static void *run(void *arg)
{
	fill_thread_local();
	fill_key();
	ended++;
	if (arg)
		pthread_exit(nullptr);
	return nullptr;
}

int main()
{
	pthread_key_create(&key, destroy_key);
	for (int i = 0; i < 20; i++) {
		pthread_t thread;

		if (pthread_create(&thread, nullptr, run, i % 2 ? &key : nullptr))
			return 1;
		pthread_join(thread, nullptr);
	}
	std::printf("ended %d, second rounds %d\n", ended.load(), rounds.load());
	return ended != 20 || rounds != 20;
}
