/* SPDX-License-Identifier: MIT */
/*
 * A C program without libstdc++ that opens C++ plugins with RTLD_LOCAL, calls and closes them, several
 * times, so that other code comes to lie at the same addresses.
 * A perfect report says (the names of closed objects are still there):
 * truth: leak plugin_one_leak 12 1200
 * truth: leak plugin_two_leak 20 4000
 * truth: leak host_leak 1 77
 */
/* build: -O0 -ldl */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile sink;

static void host_leak(void)
{
	sink = malloc(77);
}

static int run_plugin(const char *directory, const char *file, const char *function)
{
	char path[4200];
	int (*run)(int);
	void *handle;
	int result;

	snprintf(path, sizeof(path), "%s/%s", directory, file);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		printf("cannot open %s\n", file);
		return -1;
	}
	*(void **)&run = dlsym(handle, function);
	result = run ? run(100) : -1;
	dlclose(handle);
	/* A profiler that keeps a reference would keep the code, too: the program can tell. */
	handle = dlopen(path, RTLD_NOW | RTLD_NOLOAD);
	printf("%s: %d, %s\n", file, result, handle ? "still loaded" : "unloaded");
	if (handle)
		dlclose(handle);
	return result == 100 ? 0 : -1;
}

int main(void)
{
	char directory[4096];
	ssize_t length = readlink("/proc/self/exe", directory, sizeof(directory) - 1);
	int i, bad = 0;

	if (length <= 0)
		return 1;
	directory[length] = 0;
	*strrchr(directory, '/') = 0;
	for (i = 0; i < 4; i++) {
		bad |= run_plugin(directory, "plugin_one", "plugin_one_run");
		bad |= run_plugin(directory, "plugin_two", "plugin_two_run");
	}
	if (dlopen("/nonexistent/plugin.so", RTLD_NOW))
		bad = 1;
	if (!dlerror() || dlerror())
		bad = 1;
	host_leak();
	return bad != 0;
}
