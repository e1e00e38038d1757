/* SPDX-License-Identifier: MIT */
/*
 * Code without .eh_frame and without frame pointers: only the section .debug_frame of its file says how to
 * unwind it. Another object is opened and closed each time: then all must be looked up again.
 * A perfect report says:
 * truth: leak inner 40 4000
 * truth: leak outer 40 4000
 * truth: leak main 40 4000
 */
/* build: -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer -fno-optimize-sibling-calls -ldl */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *volatile sink;
static volatile int number;

__attribute__((noinline)) static void inner(size_t size)
{
	sink = malloc(size);
	number++;
}

__attribute__((noinline)) static void outer(int depth)
{
	char room[100];

	memset(room, depth, sizeof(room));
	if (depth)
		outer(depth - 1);
	else
		inner(sizeof(room));
	number += room[number % 100];
}

int main(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 16);
	void *handle;
	int i;

	if (length <= 0)
		return 1;
	path[length] = 0;
	strcpy(strrchr(path, '/') + 1, "same_place_one");
	for (i = 0; i < 40; i++) {
		outer(i % 5);
		handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
		if (!handle || dlclose(handle))
			return 1;
	}
	puts("debug_frame: done");
	return 0;
}
