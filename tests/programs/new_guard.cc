/* SPDX-License-Identifier: MIT */
/*
 * operator new throws, in several forms, nested and out of a new-handler; the very next allocation
 * is recorded each time, and what the exception itself needed is no leak.
 * A perfect report says:
 * truth: leak after_throw 25 2500
 * truth: leak in_handler 5 150
 * truth: leak deep_inside 0 0
 */
/* build: -O0 -std=c++17 -pthread */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <thread>

static volatile std::size_t huge = SIZE_MAX / 2;
static thread_local void *volatile sink;
static int caught;

extern "C" void after_throw()
{
	sink = std::malloc(100);
	caught++;
}

/* Many frames with destructors between the throw and the catch. */
struct notices {
	~notices()
	{
		sink = nullptr;
	}
};

extern "C" void deep_inside(int depth)
{
	notices each;

	if (depth)
		deep_inside(depth - 1);
	else
		sink = ::operator new[](huge);
}

static void forms(int form)
{
	switch (form) {
	case 0:
		sink = ::operator new(huge);
		break;
	case 1:
		sink = ::operator new[](huge);
		break;
	case 2:
		sink = ::operator new(huge, std::align_val_t(64));
		break;
	case 3:
		deep_inside(50);
		break;
	}
}

extern "C" void in_handler()
{
	sink = std::malloc(30);
	throw std::bad_alloc();
}

static void throw_and_catch()
{
	for (int form = 0; form < 4; form++) {
		try {
			forms(form);
		} catch (const std::bad_alloc &) {
			after_throw();
		}
	}
	std::set_new_handler(in_handler);
	try {
		forms(0);
	} catch (const std::bad_alloc &) {
		after_throw();
	}
	std::set_new_handler(nullptr);
	/* caught inside the nothrow form */
	if (::operator new(huge, std::nothrow) || ::operator new[](huge, std::nothrow))
		std::printf("nothrow gave memory\n");
}

int main()
{
	for (int i = 0; i < 4; i++)
		throw_and_catch();
	std::thread(throw_and_catch).join();
	std::printf("caught %d\n", caught);
	return caught != 25;
}
