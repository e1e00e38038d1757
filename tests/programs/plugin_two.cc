/* SPDX-License-Identifier: MIT */
/*
 * Not a program: a C++ shared object for dlopen_plugin and for python3's ctypes. It brings libstdc++
 * into a process that has none, in a local scope.
 * A perfect report names plugin_two_leak for 5 unfreed blocks of 200 bytes from each call of
 * plugin_two_run, also after the object was closed and its addresses were given to another one.
 */
/* build: -O0 -shared -fPIC */
#include <new>
#include <string>
#include <vector>

static void *volatile sink;

extern "C" __attribute__((noinline)) void plugin_two_leak()
{
	for (int i = 0; i < 5; i++)
		sink = ::operator new(200);
}

extern "C" int plugin_two_run(int count)
{
	std::vector<std::string> words;

	plugin_two_leak();
	for (int i = 0; i < count; i++) {
		try {
			words.push_back(std::string(50, static_cast<char>('a' + i % 26)));
			if (i % 10 == 9)
				throw i;
		} catch (int value) {
			words.back() += static_cast<char>('0' + value % 10);
		}
	}
	return static_cast<int>(words.size());
}
