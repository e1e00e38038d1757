/* SPDX-License-Identifier: MIT */
/*
 * hooks_pthread.c - the doors to threads: who created one and where, and what it is called.
 *
 * The facts travel to the new thread in a small record, so its start routine is wrapped; the
 * wrapper takes the record, gives it back and jumps on, and is on no stack afterwards. Attributes,
 * results and errors are the real function's own. Neither pthread_create nor its wrapper holds the
 * guard while it runs code that is not ours: the loader allocates a new thread's storage by the
 * program's allocator, and that is recorded as what it is.
 */
#define _GNU_SOURCE
#include "hooks.h"

#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <threads.h>

#include "arena.h"
#include "defs.h"
#include "real.h"
#include "unwind.h"

/*
 * More threads than this between their creation and their first instruction: the rest start
 * unwrapped.
 */
#define BIRTH_COUNT 512

struct birth {
	uint32_t is_used;
	uint32_t creator, stack;
	int32_t pid; /* a forked child has other ids */
	size_t stack_bytes;
	union {
		void *(*posix)(void *);
		thrd_start_t c11;
	} start;
	void *argument;
};

static struct birth births[BIRTH_COUNT];
static uint32_t birth_hint;

static struct birth *birth_get(void)
{
	uint32_t i, at = __atomic_fetch_add(&birth_hint, 1, __ATOMIC_RELAXED);

	for (i = 0; i < BIRTH_COUNT; i++) {
		struct birth *b = &births[(at + i) % BIRTH_COUNT];

		/* acquire: pairs with the release in birth_put */
		if (!__atomic_load_n(&b->is_used, __ATOMIC_RELAXED) &&
		    !__atomic_exchange_n(&b->is_used, 1, __ATOMIC_ACQUIRE))
			return b;
	}
	return NULL;
}

static void birth_put(struct birth *b)
{
	__atomic_store_n(&b->is_used, 0, __ATOMIC_RELEASE);
}

/* Takes what B says, attaches the new thread, gives B back. */
static __attribute__((noinline)) struct birth born(struct birth *b)
{
	struct birth copy = *b;

	birth_put(b);
	if (copy.pid != sys_getpid())
		copy.creator = copy.stack = 0;
	thread_begin(copy.creator, copy.stack, copy.stack_bytes);
	return copy;
}

static void *begin_posix(void *argument)
{
	struct birth b = born(argument);

	return b.start.posix(b.argument);
}

static int begin_c11(void *argument)
{
	struct birth b = born(argument);

	return b.start.c11(b.argument);
}

/* What a thread with ATTRIBUTES (NULL: the default ones) gets. */
static size_t stack_bytes_of(const pthread_attr_t *attributes)
{
	pthread_attr_t usual;
	size_t bytes = 0;

	if (attributes) {
		pthread_attr_getstacksize(attributes, &bytes);
	} else if (pthread_attr_init(&usual) == 0) {
		pthread_attr_getstacksize(&usual, &bytes);
		pthread_attr_destroy(&usual);
	}
	return bytes;
}

/*
 * A record of the program's call with frame address FRAME, or NULL: then the thread starts without
 * one.
 */
static struct birth *birth_note(const void *frame, const pthread_attr_t *attributes, void *argument)
{
	struct thread *t;
	struct birth *b;

	thread_multi();
	b = birth_get();
	if (!b)
		return NULL;
	b->creator = b->stack = 0;
	b->pid = sys_getpid();
	b->argument = argument;
	b->stack_bytes = stack_bytes_of(attributes);
	t = thread_enter(frame);
	if (t) {
		b->creator = t->index;
		b->stack = unwind_stack(t, frame);
		thread_leave(t);
	}
	return b;
}

EXPORT int pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *argument)
{
	struct birth *b = birth_note(HERE, attributes, argument);
	int error;

	if (!b)
		return real.pthread_create(thread, attributes, start, argument);
	b->start.posix = start;
	error = real.pthread_create(thread, attributes, begin_posix, b);
	if (error)
		birth_put(b);
	return error;
}

/* glibc's calls pthread_create within, where no door is. */
EXPORT int thrd_create(thrd_t *thread, thrd_start_t start, void *argument)
{
	struct birth *b = birth_note(HERE, NULL, argument);
	int error;

	if (!b)
		return real.thrd_create(thread, start, argument);
	b->start.c11 = start;
	error = real.thrd_create(thread, begin_c11, b);
	if (error != thrd_success)
		birth_put(b);
	return error;
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
	int error = real.pthread_setname_np(thread, name);
	struct thread *t, *named;

	if (error)
		return error;
	t = thread_enter(HERE);
	if (t) {
		named = pthread_equal(thread, pthread_self()) ? t : thread_of(thread);
		if (named) {
			strncpy(named->name, name, sizeof(named->name) - 1);
			defs_thread_name(named->index, name);
		}
		thread_leave(t);
	}
	return 0;
}
