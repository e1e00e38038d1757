/* SPDX-License-Identifier: MIT */
/*
 * real.c - fills the table of next definitions, all at once, by dlsym(RTLD_NEXT).
 *
 * Runs inside the first hooked call of the process, often before any constructor. dlsym may itself
 * allocate (it does so for the text of an error), so that while the table is being filled the
 * allocator's entries point to a small static arena; if a block of it is still alive at the end,
 * checking entries stay in place for the rest of the process. It must never look a function up
 * later, from within a call: dlsym takes the loader's lock and overwrites what dlerror() has to
 * say.
 */
#define _GNU_SOURCE
#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sys.h"

#define BOOT_BYTES 32768
#define BOOT_ALIGN 64

enum fill_state { FILL_NOT, FILL_RUNS, FILL_DONE };

static enum fill_state fill_state;
static int fill_tid;

/* ---- the arena ---- */

static char boot[BOOT_BYTES] __attribute__((aligned(BOOT_ALIGN)));
static size_t boot_used;
static size_t boot_live;

int real_is_bootstrap(const void *p)
{
	return (uintptr_t)p - (uintptr_t)boot < BOOT_BYTES;
}

/* The size stands BOOT_ALIGN bytes before the block. */
static void *boot_memalign(size_t alignment, size_t size)
{
	size_t whole = (size + 2 * BOOT_ALIGN - 1) & ~(size_t)(BOOT_ALIGN - 1);
	size_t at;

	if (alignment > BOOT_ALIGN || size > BOOT_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	at = __atomic_fetch_add(&boot_used, whole, __ATOMIC_RELAXED);
	if (at + whole > BOOT_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	__atomic_fetch_add(&boot_live, 1, __ATOMIC_RELAXED);
	*(size_t *)(void *)(boot + at) = size;
	return boot + at + BOOT_ALIGN;
}

static void *boot_malloc(size_t size)
{
	return boot_memalign(BOOT_ALIGN, size);
}

static size_t boot_size(const void *p)
{
	return *(const size_t *)(const void *)((const char *)p - BOOT_ALIGN);
}

/* Memory is never given out twice, so zero it is. */
static void *boot_calloc(size_t count, size_t size)
{
	size_t whole;

	if (__builtin_mul_overflow(count, size, &whole))
		whole = SIZE_MAX;
	return boot_malloc(whole);
}

static void boot_free(void *p)
{
	if (real_is_bootstrap(p))
		__atomic_fetch_sub(&boot_live, 1, __ATOMIC_RELAXED);
}

static void *boot_copy(void *old, void *p, size_t size)
{
	size_t old_size = boot_size(old);

	if (!p)
		return NULL;
	memcpy(p, old, size < old_size ? size : old_size);
	boot_free(old);
	return p;
}

static void *boot_realloc(void *old, size_t size)
{
	if (old && !real_is_bootstrap(old)) {
		errno = ENOMEM;
		return NULL;
	}
	return old ? boot_copy(old, boot_malloc(size), size) : boot_malloc(size);
}

/* ---- entries that know the arena, used only when a block of it outlives the filling ---- */

static struct real unchecked;

static void checked_free(void *p)
{
	if (real_is_bootstrap(p))
		boot_free(p);
	else
		unchecked.free(p);
}

static void checked_free_sized(void *p, size_t size)
{
	if (real_is_bootstrap(p))
		boot_free(p);
	else
		unchecked.free_sized(p, size);
}

static void checked_free_aligned_sized(void *p, size_t alignment, size_t size)
{
	if (real_is_bootstrap(p))
		boot_free(p);
	else
		unchecked.free_aligned_sized(p, alignment, size);
}

static void *checked_realloc(void *old, size_t size)
{
	return real_is_bootstrap(old) ? boot_copy(old, unchecked.malloc(size), size)
				      : unchecked.realloc(old, size);
}

static void *checked_reallocarray(void *old, size_t count, size_t size)
{
	size_t whole;

	if (!real_is_bootstrap(old))
		return unchecked.reallocarray(old, count, size);
	if (!__builtin_mul_overflow(count, size, &whole))
		return checked_realloc(old, whole);
	errno = ENOMEM;
	return NULL;
}

static size_t checked_usable_size(void *p)
{
	return real_is_bootstrap(p) ? boot_size(p) : unchecked.malloc_usable_size(p);
}

static void check_for_arena(struct real *found)
{
	unchecked = *found;
	found->free = checked_free;
	found->cfree = checked_free;
	found->free_sized = checked_free_sized;
	found->free_aligned_sized = checked_free_aligned_sized;
	found->realloc = checked_realloc;
	found->reallocarray = checked_reallocarray;
	found->malloc_usable_size = checked_usable_size;
}

/* ---- what a libc may lack ---- */

static void missing_free_sized(void *p, size_t size)
{
	(void)size;
	real.free(p);
}

static void missing_free_aligned_sized(void *p, size_t alignment, size_t size)
{
	(void)alignment;
	(void)size;
	real.free(p);
}

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

static long missing(void)
{
	errno = ENOSYS;
	return 0;
}

static void fill_gaps(struct real *found)
{
	void **entry = (void **)found;
	size_t i;

	/* removed from glibc's default symbols long ago, still there for old binaries */
	if (!found->cfree)
		*(void **)&found->cfree = dlvsym(RTLD_NEXT, "cfree", "GLIBC_2.2.5");
	if (!found->cfree)
		found->cfree = found->free;
	if (!found->free_sized)
		found->free_sized = missing_free_sized;
	if (!found->free_aligned_sized)
		found->free_aligned_sized = missing_free_aligned_sized;
	if (!found->reallocarray)
		found->reallocarray = missing_reallocarray;
	if (!found->mmap64)
		found->mmap64 = found->mmap;
	if (!found->execveat)
		found->execveat = missing_execveat;
	for (i = 0; i < sizeof(*found) / sizeof(*entry); i++)
		if (!entry[i])
			*(long (**)(void)) & entry[i] = missing;
}

/* ---- filling ---- */

static void publish(const struct real *found)
{
	void *const *from = (void *const *)found;
	void **to = (void **)&real;
	size_t i;

	for (i = 0; i < sizeof(real) / sizeof(*to); i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELEASE);
}

static void fill_table(void)
{
	struct real found;

	real.malloc = boot_malloc;
	real.calloc = boot_calloc;
	real.realloc = boot_realloc;
	real.free = boot_free;
	real.memalign = boot_memalign;
	real.aligned_alloc = boot_memalign;
#define HOOK(name, result, parameters, arguments) *(void **)&found.name = dlsym(RTLD_NEXT, #name);
#include "hooks.def"
	fill_gaps(&found);
	/* nothing of our look-ups that failed must be left for the program's next dlerror() */
	dlerror();
	dlerror();
	if (boot_live)
		check_for_arena(&found);
	publish(&found);
}

void real_fill(void)
{
	enum fill_state expected = FILL_NOT;
	int saved = errno;

	if (__atomic_load_n(&fill_state, __ATOMIC_ACQUIRE) == FILL_DONE)
		return;
	if (__atomic_compare_exchange_n(&fill_state, &expected, FILL_RUNS, 0, __ATOMIC_ACQUIRE,
					__ATOMIC_ACQUIRE)) {
		__atomic_store_n(&fill_tid, sys_gettid(), __ATOMIC_RELAXED);
		fill_table();
		__atomic_store_n(&fill_state, FILL_DONE,
				 __ATOMIC_RELEASE); /* pairs with the acquires here */
	} else {
		while (__atomic_load_n(&fill_state, __ATOMIC_ACQUIRE) != FILL_DONE &&
		       __atomic_load_n(&fill_tid, __ATOMIC_RELAXED) != sys_gettid())
			sys_nanosleep_ns(20000);
	}
	errno = saved;
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
