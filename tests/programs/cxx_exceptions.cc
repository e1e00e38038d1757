/* SPDX-License-Identifier: MIT */
/*
 * C++ exceptions: through many frames with destructors, rethrown, allocated in catch, nested, with
 * exception_ptr to another thread, out of and into an object opened with dlopen.
 * A perfect report says:
 * truth: leak leak_in_catch 3 369
 * truth: leak descend 0 0
 */
/* build: -O0 -pthread -ldl */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

static int destroyed;
static void *volatile sink;

struct noisy {
	std::unique_ptr<char[]> body{ new char[40] };
	~noisy()
	{
		destroyed++;
	}
};

extern "C" void descend(int depth)
{
	noisy local;

	if (depth == 0)
		throw std::runtime_error("bottom");
	descend(depth - 1);
}

extern "C" void leak_in_catch()
{
	for (int i = 0; i < 3; i++) {
		try {
			descend(100);
		} catch (const std::runtime_error &) {
			sink = std::malloc(123);
		}
	}
}

static int rethrows()
{
	try {
		try {
			descend(5);
		} catch (...) {
			try {
				throw std::logic_error("inner");
			} catch (const std::logic_error &) {
			}
			throw;
		}
	} catch (const std::exception &e) {
		return !std::strcmp(e.what(), "bottom");
	}
	return 0;
}

static int across_threads()
{
	std::exception_ptr error;
	std::thread thread([&] {
		try {
			descend(20);
		} catch (...) {
			error = std::current_exception();
		}
	});

	thread.join();
	try {
		std::rethrow_exception(error);
	} catch (const std::runtime_error &e) {
		return !std::strcmp(e.what(), "bottom");
	}
	return 0;
}

static void throw_logic(int value)
{
	throw std::logic_error(std::string(static_cast<size_t>(value), 'x'));
}

static int across_plugin()
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 32);

	if (length <= 0)
		return 0;
	path[length] = 0;
	std::strcpy(std::strrchr(path, '/') + 1, "throwing_plugin");
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		std::printf("%s\n", dlerror());
		return 0;
	}
	auto thrower = reinterpret_cast<void (*)(int)>(dlsym(handle, "plugin_throw"));
	auto catcher = reinterpret_cast<int (*)(void (*)(int), int)>(dlsym(handle, "plugin_catch"));
	int good = 0;

	for (int i = 0; i < 10; i++) {
		try {
			thrower(i);
		} catch (const std::runtime_error &e) {
			good += std::string(e.what()) == "from the plugin " + std::to_string(i);
		}
		good += catcher(throw_logic, 100 + i) == 100 + i;
	}
	dlclose(handle);
	return good == 20;
}

int main()
{
	std::vector<int> results;

	leak_in_catch();
	results.push_back(destroyed);
	results.push_back(rethrows());
	results.push_back(across_threads());
	results.push_back(across_plugin());
	for (int result : results)
		std::printf("%d\n", result);
	return results == std::vector<int>{ 303, 1, 1, 1 } ? 0 : 1;
}
