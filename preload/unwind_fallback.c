/* SPDX-License-Identifier: MIT */
/*
 * unwind_fallback.c - see unwind_fallback.h. libunwind's unw_backtrace remembers per thread how each frame is left, so that a
 * stack seen before costs a few ns a frame; the first sight of a function costs microseconds. Its mappings and its look at the loader's list
 * happen inside the guard. Functions are named as libunwind mangles them for the local case of each machine.
 */
#define _GNU_SOURCE
#include "unwind_fallback.h"

#include <dlfcn.h>
#include <errno.h>

#include "real.h"

#if defined(__x86_64__)
#define LOCAL(name) "_ULx86_64_" name
#else
#define LOCAL(name) "_ULaarch64_" name
#endif

#define CACHE_PER_THREAD 2 /* UNW_CACHE_PER_THREAD of libunwind.h: no lock that a fork could leave held */

static struct {
	int (*backtrace)(void **out, int max);
	void (*flush_cache)(void *space, unsigned long low, unsigned long high);
	void *space;
} engine;

int fallback_start(void)
{
	int (*set_caching_policy)(void *space, int policy);
	void *handle, **space;

	if (engine.backtrace)
		return 0;
	handle = real.dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		dlerror();
		dlerror();
		return -ENOENT;
	}
	*(void **)&engine.backtrace = dlsym(handle, "unw_backtrace");
	*(void **)&engine.flush_cache = dlsym(handle, LOCAL("flush_cache"));
	*(void **)&set_caching_policy = dlsym(handle, LOCAL("set_caching_policy"));
	space = dlsym(handle, LOCAL("local_addr_space"));
	engine.space = space ? *space : NULL;
	if (engine.space && set_caching_policy)
		set_caching_policy(engine.space, CACHE_PER_THREAD);
	return engine.backtrace ? 0 : -ENOENT;
}

__attribute__((noinline)) size_t fallback_walk(uintptr_t *out, size_t max)
{
	int n = engine.backtrace ? engine.backtrace((void **)out, (int)max) : 0;

	while (n > 0 && !out[n - 1])
		n--;
	return n > 0 ? (size_t)n : 0;
}

void fallback_forget(void)
{
	if (engine.space && engine.flush_cache)
		engine.flush_cache(engine.space, 0, 0);
}
