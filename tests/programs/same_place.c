/* SPDX-License-Identifier: MIT */
/*
 * Opens and closes two objects by turns, so that other code comes to lie at the same address, first by dlopen, then by
 * dlmopen, each in a new namespace. Whoever remembers how a frame of the one is left walks astray in the other.
 * A perfect report says:
 * truth: leak same_place_one_run 20 2000
 * truth: leak same_place_two_run 20 4000
 * truth: leak by_dlopen 20 3000
 * truth: leak by_dlmopen 20 3000
 * truth: leak main 40 6000
 */
/* build: -O0 -ldl */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TURNS 10

static char directory[PATH_MAX];
static void *volatile sink;
static int places; /* times that code lay where other code had lain */
static size_t size;

static void leak(void)
{
	sink = malloc(size);
}

static void run(void *handle, int which)
{
	static uintptr_t last;
	void (*f)(void (*)(void));

	*(void **)&f = handle ? dlsym(handle, which ? "same_place_two_run" : "same_place_one_run")
			      : NULL;
	if (!f) {
		puts(dlerror());
		exit(1);
	}
	places += last == (uintptr_t)f;
	last = (uintptr_t)f;
	size = which ? 200 : 100;
	f(leak);
	dlclose(handle);
}

static const char *path_of(int which)
{
	static char path[PATH_MAX + 32];

	sprintf(path, "%s/same_place_%s", directory, which ? "two" : "one");
	return path;
}

static void by_dlopen(int which)
{
	run(dlopen(path_of(which), RTLD_NOW | RTLD_LOCAL), which);
}

static void by_dlmopen(int which)
{
	run(dlmopen(LM_ID_NEWLM, path_of(which), RTLD_NOW | RTLD_LOCAL), which);
}

int main(void)
{
	ssize_t length = readlink("/proc/self/exe", directory, sizeof(directory) - 1);
	int i;

	if (length <= 0)
		return 1;
	directory[length] = 0;
	*strrchr(directory, '/') = 0;
	for (i = 0; i < 2 * TURNS; i++)
		by_dlopen(i & 1);
	for (i = 0; i < 2 * TURNS; i++)
		by_dlmopen(i & 1);
	/* All but the first one, as a rule; without any this would test nothing. */
	puts(places >= TURNS ? "same_place: done" : "same_place: too seldom at the same place");
	return places < TURNS;
}
