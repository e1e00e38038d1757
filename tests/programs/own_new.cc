/* SPDX-License-Identifier: MIT */
/*
 * A program that replaces operator new and delete, counts, and goes on to the next definition, as
 * wrappers do. A library that looks for "the next" by the caller's object first would come back here
 * for ever.
 * A perfect report says:
 * truth: leak leak_wrapped 5 500
 * truth: leak nothing_leaks 0 0
 * truth: allocs nothing_leaks 1000 64000
 */
/* build: -O0 -ldl */
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <new>

static int news, deletes;
static void *volatile sink;

template <typename function> static function next(const char *name)
{
	return reinterpret_cast<function>(dlsym(RTLD_NEXT, name));
}

void *operator new(std::size_t size)
{
	static auto forward = next<void *(*)(std::size_t)>("_Znwm");

	news++;
	return forward(size);
}

void operator delete(void *p) noexcept
{
	static auto forward = next<void (*)(void *)>("_ZdlPv");

	deletes++;
	forward(p);
}

void operator delete(void *p, std::size_t) noexcept
{
	operator delete(p);
}

extern "C" void leak_wrapped()
{
	for (int i = 0; i < 5; i++)
		sink = ::operator new(100);
}

extern "C" void nothing_leaks()
{
	for (int i = 0; i < 1000; i++)
		::operator delete(::operator new(64));
}

int main()
{
	leak_wrapped();
	nothing_leaks();
	std::printf("own_new: %d new, %d delete\n", news, deletes);
	return news != 1005 || deletes != 1000;
}
