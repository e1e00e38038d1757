/* SPDX-License-Identifier: MIT */
/*
 * Not a program: an allocator that a signal handler may call whatever it has interrupted: one atomic addition, and
 * nothing is ever used again. To be preloaded behind the profiler.
 */
/* build: -shared -fPIC -fno-builtin */
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define POOL ((size_t)8 << 30)

int signal_safe_malloc = 1;
void (*signal_safe_interrupt)(void); /* called by malloc, if set */

static char *pool;
static size_t used;

__attribute__((constructor)) static void begins(void)
{
	pool = mmap(NULL, POOL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
}

/* Before each block stands its size. */
void *malloc(size_t size)
{
	size_t whole = (size + 31) & ~(size_t)15;
	char *p;

	if (!pool)
		begins();
	if (signal_safe_interrupt)
		signal_safe_interrupt();
	p = pool + __atomic_fetch_add(&used, whole, __ATOMIC_RELAXED) + 16;
	((size_t *)(void *)p)[-1] = size;
	return p;
}

void free(void *p)
{
	(void)p;
}

void *calloc(size_t count, size_t size)
{
	return malloc(count * size);
}

void *realloc(void *old, size_t size)
{
	void *p = malloc(size);

	if (old)
		memcpy(p, old, ((size_t *)old)[-1] < size ? ((size_t *)old)[-1] : size);
	return p;
}

void *memalign(size_t alignment, size_t size)
{
	uintptr_t p = (uintptr_t)malloc(size + alignment + 16);

	p = (p + 16 + alignment - 1) & ~(alignment - 1);
	((size_t *)p)[-1] = size;
	return (void *)p;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	*out = memalign(alignment, size);
	return 0;
}
