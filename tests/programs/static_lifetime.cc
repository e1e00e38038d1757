/* SPDX-License-Identifier: MIT */
/*
 * Allocations before main (constructors of static objects) that are freed after it (their destructors).
 * A perfect report says:
 * truth: leak before_main 0 0
 * truth: leak kept_for_ever 2 246
 * truth: allocs before_main 100 10000
 * truth: allocs after_main 1 333
 * truth: leak after_main 0 0
 */
/* build: -O0 */
#include <cstdio>
#include <cstdlib>

static void *volatile sink;

extern "C" void *before_main()
{
	return std::malloc(100);
}

extern "C" void kept_for_ever()
{
	sink = std::malloc(123);
	sink = new char[123];
}

extern "C" void after_main()
{
	delete[] new char[333];
}

struct lifetime {
	void *blocks[100];
	lifetime()
	{
		for (void *&block : blocks)
			block = before_main();
		kept_for_ever();
	}
	~lifetime()
	{
		for (void *block : blocks)
			std::free(block);
		after_main();
	}
};

static lifetime whole;

int main()
{
	std::puts("static_lifetime: main");
	return whole.blocks[99] ? 0 : 1;
}
