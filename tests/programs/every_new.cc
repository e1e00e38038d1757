/* SPDX-License-Identifier: MIT */
/*
 * Every form of operator new and delete, bad_alloc and the new handler.
 * A perfect report says:
 * truth: leak leak_new 1 17
 * truth: leak leak_new_array 1 34
 * truth: leak leak_nothrow 2 103
 * truth: leak leak_aligned 4 640
 * truth: leak leak_zero 1 0
 * truth: leak leak_in_handler 1 55
 * truth: leak nothing_leaks 0 0
 * truth: allocs nothing_leaks 12 972
 * A failed new is no allocation.
 */
/* build: -O0 -std=c++17 -fsized-deallocation */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

static int bad;
static void *volatile sink;

static void check(void *p, std::size_t align)
{
	if (!p || reinterpret_cast<std::uintptr_t>(p) % align)
		bad++;
	sink = p;
}

extern "C" void leak_new()
{
	check(::operator new(17), 16);
}

extern "C" void leak_new_array()
{
	check(::operator new[](34), 16);
}

extern "C" void leak_nothrow()
{
	check(::operator new(51, std::nothrow), 16);
	check(::operator new[](52, std::nothrow), 16);
}

extern "C" void leak_aligned()
{
	check(::operator new(128, std::align_val_t(64)), 64);
	check(::operator new[](128, std::align_val_t(128)), 128);
	check(::operator new(192, std::align_val_t(64), std::nothrow), 64);
	check(::operator new[](192, std::align_val_t(64), std::nothrow), 64);
}

extern "C" void leak_zero()
{
	check(::operator new(0), 16);
}

extern "C" void nothing_leaks()
{
	::operator delete(::operator new(80));
	::operator delete(::operator new(81), std::size_t(81));
	::operator delete(::operator new(82), std::nothrow);
	::operator delete[](::operator new[](83));
	::operator delete[](::operator new[](84), std::size_t(84));
	::operator delete[](::operator new[](50), std::nothrow);
	::operator delete(::operator new(64, std::align_val_t(64)), std::align_val_t(64));
	::operator delete(::operator new(64, std::align_val_t(64)), std::size_t(64),
			  std::align_val_t(64));
	::operator delete[](::operator new[](128, std::align_val_t(64)), std::align_val_t(64));
	::operator delete[](::operator new[](128, std::align_val_t(64)), std::size_t(128),
			    std::align_val_t(64));
	::operator delete(::operator new(64, std::align_val_t(64), std::nothrow),
			  std::align_val_t(64), std::nothrow);
	::operator delete[](::operator new[](64, std::align_val_t(64), std::nothrow),
			    std::align_val_t(64), std::nothrow);
	::operator delete(nullptr);
}

static volatile std::size_t huge = SIZE_MAX / 2;

extern "C" void fail_throws()
{
	int caught = 0;

	for (int i = 0; i < 100; i++) {
		try {
			sink = ::operator new(huge);
			bad++;
		} catch (const std::bad_alloc &) {
			caught++;
		}
		try {
			sink = new char[huge];
			bad++;
		} catch (const std::bad_alloc &) {
			caught++;
		}
	}
	if (::operator new(huge, std::nothrow) || ::operator new[](huge, std::nothrow))
		bad++;
	std::printf("caught %d\n", caught);
}

static int handler_calls;

/* Allocates itself, then gives up at its third call. */
extern "C" void leak_in_handler()
{
	if (++handler_calls == 1)
		sink = std::malloc(55);
	if (handler_calls == 3)
		std::set_new_handler(nullptr);
}

extern "C" void with_handler()
{
	int caught = 0;

	std::set_new_handler(leak_in_handler);
	try {
		sink = ::operator new(huge);
		bad++;
	} catch (const std::bad_alloc &) {
		caught = 1;
	}
	std::printf("handler ran %d times, caught %d\n", handler_calls, caught);
}

struct throws_in_constructor {
	char body[200];
	throws_in_constructor()
	{
		throw 7;
	}
};

/* The language frees the block of an object whose constructor throws. */
extern "C" void constructor_throws()
{
	int caught = 0;

	for (int i = 0; i < 10; i++) {
		try {
			sink = new throws_in_constructor;
		} catch (int seven) {
			caught += seven == 7;
		}
	}
	std::printf("constructors %d\n", caught);
}

int main()
{
	leak_new();
	leak_new_array();
	leak_nothrow();
	leak_aligned();
	leak_zero();
	nothing_leaks();
	fail_throws();
	with_handler();
	constructor_throws();
	std::printf("every_new: %d bad\n", bad);
	return bad != 0;
}
