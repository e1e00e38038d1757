/* SPDX-License-Identifier: MIT */
/*
 * sys.h - the platform seam: raw system calls, barriers, branch hints.
 *
 * The library calls the kernel directly: libc's wrappers set errno, are cancellation
 * points, and may be interposed by the program or by our own hooks. Every sys_ function
 * returns what the kernel returned: a result, or -errno.
 * Context of all: any thread, signal handler.
 */
#ifndef PRELOAD_SYS_H
#define PRELOAD_SYS_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define EXPORT __attribute__((visibility("default")))
#define COLD   __attribute__((cold, noinline))

#define compiler_barrier() __asm__ volatile("" ::: "memory")

#if defined(__x86_64__)
static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}
static inline void cpu_relax(void)
{
	__asm__ volatile("pause");
}
#elif defined(__aarch64__)
static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}
static inline void cpu_relax(void)
{
	__asm__ volatile("yield");
}
#else
#error "libshim knows x86-64 and aarch64"
#endif

/* Pads to six arguments: sys_call(SYS_close, fd). */
#define SYS_PAD(number, a, b, c, d, e, f, ...) \
	sys_call6((number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define sys_call(number, ...) SYS_PAD(number, __VA_ARGS__, 0, 0, 0, 0, 0, 0)

static inline int sys_open(const char *path, int flags, int mode)
{
	return (int)sys_call(SYS_openat, AT_FDCWD, path, flags, mode);
}

static inline int sys_close(int fd)
{
	return (int)sys_call(SYS_close, fd);
}

static inline long sys_read(int fd, void *bytes, size_t size)
{
	return sys_call(SYS_read, fd, bytes, size);
}

static inline long sys_write(int fd, const void *bytes, size_t size)
{
	return sys_call(SYS_write, fd, bytes, size);
}

static inline long sys_lseek(int fd, long offset, int whence)
{
	return sys_call(SYS_lseek, fd, offset, whence);
}

static inline int sys_fcntl(int fd, int command, long argument)
{
	return (int)sys_call(SYS_fcntl, fd, command, argument);
}

/* The kernel's and glibc's struct stat are the same on 64-bit targets. */
static inline int sys_fstat(int fd, struct stat *out)
{
	return (int)sys_call(SYS_fstat, fd, out);
}

static inline int sys_fallocate(int fd, long offset, long length)
{
	return (int)sys_call(SYS_fallocate, fd, 0, offset, length);
}

static inline int sys_ftruncate(int fd, long length)
{
	return (int)sys_call(SYS_ftruncate, fd, length);
}

static inline int sys_unlink(const char *path)
{
	return (int)sys_call(SYS_unlinkat, AT_FDCWD, path, 0);
}

static inline int sys_mkdir(const char *path, int mode)
{
	return (int)sys_call(SYS_mkdirat, AT_FDCWD, path, mode);
}

static inline long sys_readlink(const char *path, char *out, size_t size)
{
	return sys_call(SYS_readlinkat, AT_FDCWD, path, out, size);
}

/* An address, or -errno (test with sys_is_error). */
static inline long sys_mmap(void *addr, size_t size, int prot, int flags, int fd, long offset)
{
	return sys_call(SYS_mmap, addr, size, prot, flags, fd, offset);
}

static inline int sys_munmap(void *addr, size_t size)
{
	return (int)sys_call(SYS_munmap, addr, size);
}

static inline int sys_mprotect(void *addr, size_t size, int prot)
{
	return (int)sys_call(SYS_mprotect, addr, size, prot);
}

static inline int sys_madvise(void *addr, size_t size, int advice)
{
	return (int)sys_call(SYS_madvise, addr, size, advice);
}

static inline int sys_is_error(long result)
{
	return (unsigned long)result > -4096UL;
}

static inline int sys_getpid(void)
{
	return (int)sys_call(SYS_getpid, 0);
}

static inline int sys_getppid(void)
{
	return (int)sys_call(SYS_getppid, 0);
}

static inline int sys_gettid(void)
{
	return (int)sys_call(SYS_gettid, 0);
}

static inline int sys_tgkill(int pid, int tid, int signal)
{
	return (int)sys_call(SYS_tgkill, pid, tid, signal);
}

static inline int sys_prctl(int option, unsigned long argument)
{
	return (int)sys_call(SYS_prctl, option, argument);
}

static inline int sys_membarrier(int command)
{
	return (int)sys_call(SYS_membarrier, command, 0, 0);
}

static inline int sys_futex(uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return (int)sys_call(SYS_futex, word, op, value, timeout);
}

static inline int sys_nanosleep_ns(long ns)
{
	struct timespec wait = { 0, ns };

	return (int)sys_call(SYS_nanosleep, &wait, 0);
}

/*
 * 1 if a file may not grow to SIZE bytes (RLIMIT_FSIZE): the kernel would send SIGXFSZ, which ends
 * a program that does not expect it.
 */
static inline int sys_file_too_large(uint64_t size)
{
	uint64_t limit[2] = { UINT64_MAX, UINT64_MAX }; /* struct rlimit64: now, at most */

	return sys_call(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, limit) == 0 && size > limit[0];
}

static inline int sys_clock_gettime(int clock, struct timespec *out)
{
	return (int)sys_call(SYS_clock_gettime, clock, out);
}

#endif
