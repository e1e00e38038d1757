/* SPDX-License-Identifier: MIT */
/*
 * real.c - fills the table of next definitions, all at once.
 *
 * Runs inside the first hooked call of the process, before any constructor, perhaps below an
 * allocator that sets itself up with its locks held. So it does not ask dlsym, which allocates (the
 * text of an error), waits for a dlopen in another thread and overwrites what dlerror() has to say:
 * it goes through the loader's list itself, which holds the objects in the order of the global
 * scope. Two threads may do so at once, with one result.
 */
#define _GNU_SOURCE
#include "real.h"

#include <errno.h>
#include <link.h>

#include "dso.h"
#include "sys.h"

#define REAL_COUNT (sizeof(struct real) / sizeof(void *))

static const char *const names[] = {
#define HOOK(name, result, parameters, arguments) #name,
#include "hooks.def"
};

static int has_gaps;

/* ---- what a libc may lack ---- */

static void *missing_reallocarray(void *old, size_t count, size_t size)
{
	size_t whole;

	if (!__builtin_mul_overflow(count, size, &whole))
		return real.realloc(old, whole);
	errno = ENOMEM;
	return NULL;
}

static int missing_execveat(int fd, const char *path, char *const *argv, char *const *envp, int flags)
{
	errno = (int)-sys_call(SYS_execveat, fd, path, argv, envp, flags);
	return -1;
}

/* Of a library that is not loaded (yet): libpthread was one of its own before glibc 2.34. */
static long missing(void)
{
	errno = ENOSYS;
	return -1;
}

static void fill_gaps(struct real *found)
{
	void **entry = (void **)found;
	size_t i;

	if (!found->cfree)
		found->cfree = found->free;
	if (!found->reallocarray)
		found->reallocarray = missing_reallocarray;
	if (!found->mmap64)
		found->mmap64 = found->mmap;
	if (!found->execveat)
		found->execveat = missing_execveat;
	for (i = 0; i < REAL_COUNT; i++)
		if (!entry[i]) {
			*(long (**)(void)) & entry[i] = missing;
			has_gaps = 1;
		}
}

/* ---- filling ---- */

struct search {
	void *found[REAL_COUNT];
	int is_behind; /* our own object has been passed */
};

static int search_object(struct dl_phdr_info *info, size_t size, void *context)
{
	struct search *search = context;
	struct dso dso;
	size_t i;

	(void)size;
	if (dso_open(&dso, info) != 0)
		return 0;
	if (dso_holds(&dso, (uintptr_t)search_object)) {
		search->is_behind = 1;
		return 0;
	}
	for (i = 0; search->is_behind && i < REAL_COUNT; i++)
		if (!search->found[i])
			search->found[i] = dso_find(&dso, names[i]);
	return 0;
}

static void publish(void *const *from)
{
	void **to = (void **)&real;
	size_t i;

	for (i = 0; i < REAL_COUNT; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
}

void real_fill(void)
{
	struct search search = { .is_behind = 0 };
	struct real *found = (struct real *)(void *)search.found;

	dl_iterate_phdr(search_object, &search);
	/* not preloaded but opened: everybody stands before us */
	if (!found->malloc)
		dl_iterate_phdr(search_object, &search);
	fill_gaps(found);
	publish(search.found);
}

void real_loaded(void)
{
	if (unlikely(has_gaps)) {
		has_gaps = 0;
		real_fill();
	}
}

#define HOOK(name, result, parameters, arguments) \
	static result stub_##name parameters      \
	{                                         \
		real_fill();                      \
		return real.name arguments;       \
	}
#include "hooks.def"

struct real real = {
#define HOOK(name, result, parameters, arguments) .name = stub_##name,
#include "hooks.def"
};
