/* SPDX-License-Identifier: MIT */
/*
 * shim.h - what a program can tell libshim.so about itself, from C or C++.
 *
 * Header only: nothing to link (before glibc 2.34: -ldl). Without libshim.so in LD_PRELOAD every
 * call does nothing: one look-up by name the first time, a test of a pointer after that. All
 * functions may be called from any thread; none fails, changes errno, or keeps a pointer that it
 * was given beyond the call.
 */
#ifndef SHIM_H
#define SHIM_H

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The function NAME of libshim.so, or NULL when the library is not there. Looked for once: *CACHE
 * keeps it, or its own address for "not there". By name at run time, because a weak symbol is bound
 * to NULL for good in a statically linked program, or in a plugin that was linked without it.
 */
static inline void *shim_find_(void **cache, const char *name)
{
	void *found = __atomic_load_n(cache, __ATOMIC_ACQUIRE);

	if (!found) {
		int saved = errno;

		found = dlsym(NULL, name); /* NULL is RTLD_DEFAULT, which only _GNU_SOURCE names */
		if (!found) {
			found = cache;
			dlerror(); /* the failure is not for the program's next dlerror() */
		}
		__atomic_store_n(cache, found, __ATOMIC_RELEASE);
		errno = saved;
	}
	return found == (void *)cache ? NULL : found;
}

/* Calls NAME of the library with ARGUMENTS, as a function that takes PARAMETERS. */
#define SHIM_CALL_(name, parameters, arguments)                                          \
	do {                                                                             \
		static void *shim_cache_;                                                \
		void *shim_found_ = shim_find_(&shim_cache_, name);                      \
		void(*shim_call_) parameters;                                            \
                                                                                         \
		if (shim_found_) {                                                       \
			__builtin_memcpy(&shim_call_, &shim_found_, sizeof(shim_call_)); \
			shim_call_ arguments;                                            \
		}                                                                        \
	} while (0)

/*
 * Recording on and off in the whole process, as SHIM_START and SHIM_SIGNAL do. Calls do not nest.
 */
static inline void shim_start(void)
{
	SHIM_CALL_("shim_start", (void), ());
}

static inline void shim_stop(void)
{
	SHIM_CALL_("shim_stop", (void), ());
}

/* Marks this moment with NAME: reports can begin and end there (--from NAME). */
static inline void shim_mark(const char *name)
{
	SHIM_CALL_("shim_mark", (const char *), (name));
}

/*
 * For an allocator of the program's own. SHIM_ALLOC: a block of SIZE bytes now lives at P (call it
 * after the block was taken; P NULL: there was none to be had). SHIM_FREE: the block at P is about
 * to end (call it before it is given back; NULL: nothing). SHIM_REALLOC: the block at OLD (NULL:
 * none) has become one of SIZE bytes at P (NULL: it has not, and lives on). The memory below is
 * best taken by mmap, or between shim_ignore_begin and shim_ignore_end: otherwise it counts twice.
 */
static inline void shim_alloc(const void *p, size_t size)
{
	SHIM_CALL_("shim_alloc", (const void *, size_t), (p, size));
}

static inline void shim_free(const void *p)
{
	SHIM_CALL_("shim_free", (const void *), (p));
}

static inline void shim_realloc(const void *old, const void *p, size_t size)
{
	SHIM_CALL_("shim_realloc", (const void *, const void *, size_t), (old, p, size));
}

/*
 * What this thread allocates in between is never a leak: singletons, caches on purpose. Calls nest.
 */
static inline void shim_ignore_begin(void)
{
	SHIM_CALL_("shim_ignore_begin", (void), ());
}

static inline void shim_ignore_end(void)
{
	SHIM_CALL_("shim_ignore_end", (void), ());
}

/* The calling thread's name in reports, any length; the system's own name for it is not touched. */
static inline void shim_thread_name(const char *name)
{
	SHIM_CALL_("shim_thread_name", (const char *), (name));
}

#undef SHIM_CALL_

#ifdef __cplusplus
}
#endif

#endif
