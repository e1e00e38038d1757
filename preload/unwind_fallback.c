/* SPDX-License-Identifier: MIT */
/*
 * unwind_fallback.c - see unwind_fallback.h. libunwind's unw_backtrace remembers per thread how
 * each frame is left, so that a stack seen before costs a few ns a frame; the first sight of a
 * function costs microseconds.
 *
 * It is used on terms. To test whether an address can be read it makes a pipe, in the descriptors
 * that the program hands out, and writes to it, also when the program has closed it and given the
 * number to a file of its own; it blocks all signals over each cache access; its mutexes may be
 * held by another thread when the program forks; it takes memory from the program's allocator in
 * every thread and gives memory back when one ends, outside the guard. So, once it is loaded, its
 * calls of those functions are turned to ours. Runs inside the guard: no signal handler of the
 * thread comes here a second time.
 */
#define _GNU_SOURCE
#include "unwind_fallback.h"

#include "unwind_arch.h"

#if UNWIND_HAS_LIBUNWIND

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <unistd.h>

#include "arena.h"
#include "dso.h"
#include "lock.h"
#include "real.h"

/* Functions are named as libunwind mangles them for the local case of each machine. */
#if defined(__x86_64__)
#define LOCAL(name) "_ULx86_64_" name
#else
#define LOCAL(name) "_ULaarch64_" name
#endif

#define CACHE_PER_THREAD 2 /* UNW_CACHE_PER_THREAD of libunwind.h */

static struct {
	int (*backtrace)(void **out, int max);
	void (*flush_cache)(void *space, unsigned long low, unsigned long high);
	void *space;
} engine;

/* ---- what libunwind gets in place of libc ---- */

static int no_pipe(int *ends, int flags)
{
	(void)flags;
	ends[0] = ends[1] = -1;
	return 0;
}

/* An empty pipe. */
static ssize_t no_read(int fd, void *out, size_t size)
{
	(void)fd;
	(void)out;
	(void)size;
	errno = EAGAIN;
	return -1;
}

/*
 * The question behind a write to the pipe: can P be read? The kernel reads a signal set there, then
 * refuses what is asked of it.
 */
static ssize_t can_read(int fd, const void *p, size_t size)
{
	(void)fd;
	if (sys_call(SYS_rt_sigprocmask, ~0, (uintptr_t)p & ~(uintptr_t)7, NULL, 8) != -EFAULT)
		return (ssize_t)size;
	errno = EFAULT;
	return -1;
}

/* It makes that write by number. */
static long own_syscall(long number, long a, long b, long c, long d, long e, long f)
{
	long result;

	if (number == SYS_write)
		return can_read((int)a, (const void *)b, (size_t)c);
	result = sys_call6(number, a, b, c, d, e, f);
	if (!sys_is_error(result))
		return result;
	errno = (int)-result;
	return -1;
}

/* Asked before that write and answered by it: a page that is not resident may still be readable. */
static int no_mincore(void *addr, size_t size, unsigned char *out)
{
	size_t i;

	(void)addr;
	for (i = 0; i < (size + 4095) / 4096; i++)
		out[i] = 1;
	return 0;
}

static int no_open(const char *path, int flags, ...)
{
	(void)path;
	(void)flags;
	errno = ENOENT;
	return -1;
}

static int no_close(int fd)
{
	(void)fd;
	return 0;
}

/*
 * Mapped and unmapped when a thread comes and goes, outside the guard: no business of the program's
 * trace.
 */
static void *own_mmap(void *addr, size_t size, int prot, int flags, int fd, off_t offset)
{
	long p = sys_mmap(addr, size, prot, flags, fd, offset);

	if (!sys_is_error(p))
		return (void *)p;
	errno = (int)-p;
	return MAP_FAILED;
}

static int own_munmap(void *addr, size_t size)
{
	return sys_munmap(addr, size) ? -1 : 0;
}

/*
 * Its thread-local variables: an object that was opened late gets them from the loader, who asks
 * malloc in every new thread.
 */
struct tls_place {
	unsigned long module, offset;
};

static __thread char own_tls[64] __attribute__((aligned(16)));

static void *own_tls_address(const struct tls_place *place)
{
	return own_tls + place->offset;
}

static int fits_own_tls(const struct dso *dso)
{
	size_t i;

	for (i = 0; i < dso->phdr_count; i++)
		if (dso->phdr[i].p_type == PT_TLS)
			return dso->phdr[i].p_filesz == 0 && dso->phdr[i].p_memsz <= sizeof(own_tls);
	return 0;
}

static int no_mask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

/* Number of this process, never 0; in forgotten memory, so that a forked child gets its own. */
static uint32_t *process;
static uint32_t last_process;

/*
 * In the memory of a mutex that libunwind initialized: the number of the process that holds it, 0
 * when free. Held by a process that is gone is free. What it guards is short and cold: waiting is
 * asking again.
 */
static int lock_mutex(uint32_t *holder)
{
	uint32_t seen = __atomic_load_n(holder, __ATOMIC_RELAXED);
	unsigned tries;

	for (tries = 0;; tries++) {
		if (seen == *process) {
			if (tries > LOCK_SPINS)
				sys_nanosleep_ns(20000);
			else
				cpu_relax();
			seen = __atomic_load_n(holder, __ATOMIC_RELAXED);
		} else if (__atomic_compare_exchange_n(holder, &seen, *process, 0, __ATOMIC_ACQUIRE,
						       __ATOMIC_RELAXED)) {
			return 0; /* acquire: pairs with the release in unlock_mutex */
		}
	}
}

static int unlock_mutex(uint32_t *holder)
{
	__atomic_store_n(holder, 0, __ATOMIC_RELEASE);
	return 0;
}

static const struct {
	const char *name;
	void *to;
} terms[] = {
	{ "pipe2", (void *)no_pipe },
	{ "pipe", (void *)no_pipe },
	{ "read", (void *)no_read },
	{ "write", (void *)can_read },
	{ "syscall", (void *)own_syscall },
	{ "mincore", (void *)no_mincore },
	{ "open", (void *)no_open },
	{ "close", (void *)no_close },
	{ "mmap", (void *)own_mmap },
	{ "munmap", (void *)own_munmap },
	{ "sigprocmask", (void *)no_mask },
	{ "pthread_mutex_lock", (void *)lock_mutex },
	{ "pthread_mutex_unlock", (void *)unlock_mutex },
};

static int set_terms(struct dl_phdr_info *info, size_t size, void *context)
{
	struct dso dso;
	size_t i;

	(void)size;
	(void)context;
	if (dso_open(&dso, info) != 0 || !dso_holds(&dso, (uintptr_t)engine.backtrace))
		return 0;
	for (i = 0; i < sizeof(terms) / sizeof(*terms); i++)
		dso_redirect(&dso, terms[i].name, terms[i].to);
	if (fits_own_tls(&dso))
		dso_redirect(&dso, "__tls_get_addr", (void *)own_tls_address);
	dso_redirect(&dso, "malloc", (void *)real.malloc);
	dso_redirect(&dso, "free", (void *)real.free);
	return 1;
}

/* ---- the engine ---- */

static int start_process(void)
{
	if (!process)
		process = arena_forgotten(sizeof(*process));
	if (!process)
		return -ENOMEM;
	*process = ++last_process;
	return 0;
}

int fallback_start(void)
{
	int (*set_caching_policy)(void *space, int policy);
	void *handle, **space;

	if (start_process())
		return -ENOMEM;
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
	if (!engine.backtrace)
		return -ENOENT;
	dl_iterate_phdr(set_terms, NULL);
	if (engine.space && set_caching_policy)
		set_caching_policy(engine.space, CACHE_PER_THREAD);
	return 0;
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

#endif
