/* SPDX-License-Identifier: MIT */
/*
 * unwind_check.c - see unwind_check.h. Only in a test build: asks another unwinder for every stack, which costs
 * microseconds, and writes to a file from inside hooks.
 */
#include "unwind_check.h"

#ifdef SHIM_UNWIND_CHECK

#include <stdlib.h>

#include "arena.h"
#include "config.h"
#include "dso.h"
#include "log.h"
#include "shim_trace.h"
#include "stacks.h"
#include "sys.h"
#include "unwind_arch.h"
#include "unwind_fallback.h"

#if UNWIND_HAS_LIBUNWIND
#define ASK(out, max) fallback_walk(out, max)
#else
#include <execinfo.h>
#define ASK(out, max) ((size_t)backtrace((void **)(out), (int)(max)))
#endif

#define FRAMES_MAX 4200
#define TOLD_MAX   20
#define OWN_FRAMES 8 /* of this library in the middle of a stack: begin of a thread, dlopen */

static struct {
	int pid; /* whose counts these are: a forked child begins anew */
	unsigned every;
	const char *path;
	uint64_t captures, compared, mismatches;
	uint64_t cut;   /* as deep as is kept, and equal so far */
	uint64_t ended; /* less deep, equal so far, and said to be incomplete: unknown code */
} check;

struct frames {
	size_t count;
	uintptr_t pcs[FRAMES_MAX];
};

static void tell(const char *text, size_t length)
{
	int fd = check.path ? sys_open(check.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)
			    : -1;

	if (fd < 0)
		return;
	sys_write(fd, text, length);
	sys_close(fd);
}

#define TELL(...)                                                        \
	do {                                                             \
		char line[256];                                          \
		tell(line, log_format(line, sizeof(line), __VA_ARGS__)); \
	} while (0)

static void read_settings(void)
{
	const char *every = getenv("UNWIND_CHECK_EVERY");

	check.every = every && atoi(every) > 0 ? (unsigned)atoi(every) : 1;
	check.path = getenv("UNWIND_CHECK_LOG");
	check.captures = check.compared = check.mismatches = check.cut = check.ended = 0;
	check.pid = sys_getpid();
}

/* What the oracle finds from the return address FRAME[1] outwards, without frames of our own. */
static void ask_oracle(const uintptr_t *frame, struct frames *out)
{
	size_t count = ASK(out->pcs, FRAMES_MAX), i = 0;

	out->count = 0;
	while (i < count && out->pcs[i] != frame[1])
		i++;
	for (; i < count; i++)
		if (!dso_is_own(out->pcs[i]))
			out->pcs[out->count++] = out->pcs[i];
}

/* The frames of the stack ID. Its root: 0 or SHIM_STACK_TRUNCATED. */
static uint32_t ask_tree(uint32_t id, struct frames *out)
{
	out->count = 0;
	while (id >= SHIM_STACK_FIRST && out->count < FRAMES_MAX)
		out->pcs[out->count++] = stacks_frame(id, &id) & ~STACKS_EXACT;
	return id;
}

static void tell_maps(void)
{
	char bytes[1024];
	int fd = sys_open("/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
	long n;

	while (fd >= 0 && (n = sys_read(fd, bytes, sizeof(bytes))) > 0)
		tell(bytes, (size_t)n);
	if (fd >= 0)
		sys_close(fd);
}

static void tell_difference(const struct frames *ours, const struct frames *theirs, uint32_t root)
{
	size_t i;

	TELL("mismatch in %d: ours %lu frames below %u, the oracle %lu\n", sys_getpid(),
	     (unsigned long)ours->count, root, (unsigned long)theirs->count);
	for (i = 0; i < ours->count || i < theirs->count; i++)
		TELL("  %lx %lx%s\n", i < ours->count ? (unsigned long)ours->pcs[i] : 0,
		     i < theirs->count ? (unsigned long)theirs->pcs[i] : 0,
		     i < ours->count && i < theirs->count && ours->pcs[i] == theirs->pcs[i] ? ""
											    : " <");
	if (check.mismatches == 1)
		tell_maps();
}

static void compare(uint32_t root, const struct frames *ours, const struct frames *theirs)
{
	size_t i;

	__atomic_fetch_add(&check.compared, 1, __ATOMIC_RELAXED);
	for (i = 0; i < ours->count && i < theirs->count && ours->pcs[i] == theirs->pcs[i]; i++)
		;
	if (i == ours->count && i == theirs->count)
		return;
	if (i == ours->count && root == SHIM_STACK_TRUNCATED)
		__atomic_fetch_add(ours->count + OWN_FRAMES >= config.depth ? &check.cut
									    : &check.ended,
				   1, __ATOMIC_RELAXED);
	else if (__atomic_fetch_add(&check.mismatches, 1, __ATOMIC_RELAXED) < TOLD_MAX)
		tell_difference(ours, theirs, root);
}

uint32_t check_stack(uint32_t id, const uintptr_t *frame)
{
	static struct both {
		struct frames ours, theirs;
	} first;
	static uint32_t is_taken;
	struct both *both;

	if (check.pid != sys_getpid())
		read_settings();
	if (__atomic_fetch_add(&check.captures, 1, __ATOMIC_RELAXED) % check.every)
		return id;
	/* Not on the stack: that may be small. One thread has memory that is warm. */
	if (!__atomic_exchange_n(&is_taken, 1, __ATOMIC_ACQUIRE))
		both = &first;
	else
		both = arena_map(sizeof(*both));
	if (both) {
		ask_oracle(frame, &both->theirs);
		compare(ask_tree(id, &both->ours), &both->ours, &both->theirs);
	}
	if (both == &first)
		__atomic_store_n(&is_taken, 0, __ATOMIC_RELEASE);
	else if (both)
		arena_unmap(both, sizeof(*both));
	return id;
}

__attribute__((destructor)) static void tell_counts(void)
{
	if (check.compared && check.pid == sys_getpid())
		TELL("unwind-check: pid %d captures %lu compared %lu mismatches %lu cut %lu ended %lu\n",
		     sys_getpid(), (unsigned long)check.captures, (unsigned long)check.compared,
		     (unsigned long)check.mismatches, (unsigned long)check.cut,
		     (unsigned long)check.ended);
}

#endif
