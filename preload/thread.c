/* SPDX-License-Identifier: MIT */
/*
 * thread.c - see thread.h. Slow paths of the guard and the registry of threads. Runs in any
 * thread; every function that a hook reaches keeps errno (raw system calls only) and calls
 * no allocator.
 *
 * Life of a thread: its first event attaches it (a struct, a small chunk, the engine's
 * memory); a destructor of a pthread key that re-arms itself for the last round writes its
 * events out and gives the chunk back; events after that attach it anew. What a thread
 * leaves without having run the destructor is written when the process ends.
 *
 * Over 600 lines since who may record, who records alone, which sample is taken and when a chunk is
 * renewed are one protocol over `on`, `inside` and one lock: to be read in one place.
 */
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <linux/membarrier.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "arena.h"
#include "budget.h"
#include "clock.h"
#include "compact.h"
#include "config.h"
#include "defs.h"
#include "followed.h"
#include "lifecycle.h"
#include "lock.h"
#include "log.h"
#include "sink.h"
#include "skipped.h"
#include "spool.h"
#include "sys.h"
#include "unwind.h"

#define CHUNK_SMALL_BYTES (32u << 10)
#define CHUNK_LARGE_BYTES (256u << 10)
#define PAUSE_NS \
	165000 /* CPU time that writing a full chunk may take; the more rows, the smaller the trace */
#define REST_PART        16   /* of a chunk, when definitions get a pause of their own */
#define ROWS_LEAST       1024 /* fewer cost more CPU than they save time */
#define STAMP_EVERY      16   /* events per clock read of the only thread that records */
#define STAMP_SLOW_TICKS 4096 /* a microsecond or two per event: then each is worth a stamp */
#define STOP_ROUNDS      2000
#define STACK_SLACK      8192 /* guard and control block */
#define STOP_WAIT_NS     100000

struct registry {
	struct lock lock;
	struct thread *first; /* push only; acquire/release */
	struct thread *idle;  /* structs of threads that have ended, for reuse */
	uint32_t count;       /* indexes given out */
	struct thread *owner; /* the only thread that records; NULL: several do. See thread_resume */
	uint32_t can_own;     /* the kernel has membarrier */
	uint32_t is_skipping;  /* sampling began in the middle of the run */
	uint64_t sample_bytes; /* mean distance of the sample that threads are to take; 0: all */
	uint32_t has_marks;
	uint32_t is_allowed;
	uint32_t zombies; /* attached again after their end: nothing will tell when they are gone */
	uint64_t lost;    /* events of ended threads that were dropped */
};

struct thread thread_none = { .inside = 1 };

__thread struct thread *thread_self __attribute__((tls_model("initial-exec"))) = &thread_none;

/* What is known of a thread without a struct. */
static __thread struct {
	uint32_t is_attaching; /* the slow path is at work: its own calls of hooks pass through */
	uint32_t has_ended;    /* the key destructor has run its last round */
	uint32_t creator;
	uint32_t stack;
} early __attribute__((tls_model("initial-exec")));

static struct registry *registry; /* in forgotten memory */

/* Of the program image: a forked child keeps the key. */
static struct {
	pthread_key_t key;
	int is_made;
} end;

int thread_is_inside(void)
{
	struct thread *t = thread_self;

	return early.is_attaching || (t != &thread_none && t->inside);
}

static void thread_ends(void *value);

int thread_start(void)
{
	if (!registry)
		registry = arena_forgotten(sizeof(*registry));
	if (!registry)
		return -ENOMEM;
	if (!end.is_made && pthread_key_create(&end.key, thread_ends) == 0)
		end.is_made = 1;
	registry->can_own = sys_membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
	registry->sample_bytes = config.sample_bytes;
	return config.sample_bytes ? followed_start() : 0;
}

unsigned thread_order(const struct thread *t)
{
	return t->order |
	       (__atomic_load_n(&registry->has_marks, __ATOMIC_RELAXED) ? COMPACT_TIMES : 0);
}

void thread_marked(struct thread *t)
{
	__atomic_store_n(&registry->has_marks, 1, __ATOMIC_RELAXED);
	t->stamp_left = 0;
}

static struct thread *first_thread(void)
{
	return registry ? __atomic_load_n(&registry->first, __ATOMIC_ACQUIRE)
			: NULL; /* pairs with the push in new_struct */
}

/* ---- recording alone, or beside others ---- */

/*
 * Most threads of most programs allocate nothing for most of the time. The thread that records
 * alone is the registry's owner: it reads the clock once in a while, its blocks keep coarse times,
 * and its local pairs no address. All other threads have `on` 0, so that the next event of one of
 * them comes to thread_resume first and takes the right away: it clears the owner's `on` and lets
 * every running thread pass a barrier. What the owner records from then on sees that (thread_stamp)
 * and is stamped; what it has stamped before lies before what the other is about to do: a stale
 * stamp is too early, never too late, and nobody else had an event meanwhile. An owner who is in
 * the middle of a hook need not be waited for: the stamp of an allocation is taken after the real
 * call, so a stale one means that the call was over before the barrier; a free with a stale stamp
 * is of a block that the other thread cannot have touched since it last recorded.
 */

static void record_alone(struct thread *t)
{
	t->order = 0;
	t->stamp_every = STAMP_EVERY;
}

static void record_beside(struct thread *t)
{
	t->order = COMPACT_ADDRESSES;
	t->stamp_every = 1;
	t->stamp_left = 0;
}

static void clear_owner_locked(void)
{
	struct thread *owner = registry->owner;

	registry->owner = NULL;
	if (!owner)
		return;
	__atomic_store_n(&owner->on, 0, __ATOMIC_SEQ_CST); /* pairs with thread_stamp */
	if (registry->can_own)
		sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

/* All threads go to thread_resume before their next event. The caller holds the lock. */
static void send_to_resume_locked(void)
{
	struct thread *t;

	for (t = first_thread(); t; t = t->next_thread)
		__atomic_store_n(&t->on, 0, __ATOMIC_SEQ_CST);
	if (registry->can_own)
		sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

/*
 * The budget of the trace asks for a sample, or for a coarser one. A block has one mean distance
 * and an allocation is decided on before it becomes a row, so every thread changes at its next
 * event. Blocks that are not recorded from then on are marked, and a free looks for the mark, in
 * all threads, whether they have changed or not: what a thread is doing at this moment is of blocks
 * that nobody has marked.
 */
static void follow_budget(void)
{
	uint64_t wanted = sink_sample_bytes();

	if (likely(wanted <= registry->sample_bytes))
		return;
	lock_get(&registry->lock);
	if (wanted > registry->sample_bytes) {
		if (!registry->sample_bytes && skipped_start() == 0)
			registry->is_skipping = 1;
		if (registry->sample_bytes || registry->is_skipping) {
			/* release: pairs with thread_resume */
			__atomic_store_n(&registry->sample_bytes, wanted, __ATOMIC_RELEASE);
			send_to_resume_locked();
		}
	}
	lock_put(&registry->lock);
}

static int renew_chunk(struct thread *t);

/* T takes the sample that is wanted now, in a block of its own. Between two events. */
static COLD void take_sample(struct thread *t)
{
	if (t->chunk && t->chunk->used)
		renew_chunk(t);
	sample_begin(&t->sample, __atomic_load_n(&registry->sample_bytes, __ATOMIC_ACQUIRE), 0);
	t->is_skipping = registry->is_skipping;
	if (t->chunk)
		t->chunk->sample_bytes = t->sample.mean_bytes;
}

/*
 * Takes the lock, and before it the sample that is wanted: one that is asked for after that finds
 * T's `on` set, and clears it.
 */
static void lock_with_sample(struct thread *t)
{
	for (;;) {
		if (unlikely(t->sample.mean_bytes !=
			     __atomic_load_n(&registry->sample_bytes, __ATOMIC_ACQUIRE)))
			take_sample(t);
		lock_get(&registry->lock);
		if (likely(t->sample.mean_bytes == registry->sample_bytes))
			return;
		lock_put(&registry->lock);
	}
}

/*
 * T, whose `on` is 0, wants to record. 1 if it may. In the end `on` is looked at as in
 * thread_allow, the other way round: one of the two sees the other's word.
 */
static int thread_resume(struct thread *t)
{
	if (!__atomic_load_n(&registry->is_allowed, __ATOMIC_SEQ_CST))
		return 0;
	lock_with_sample(t);
	if (registry->owner != t) {
		clear_owner_locked();
		record_beside(t);
	}
	__atomic_store_n(&t->on, 1, __ATOMIC_SEQ_CST);
	lock_put(&registry->lock);
	if (unlikely(!__atomic_load_n(&registry->is_allowed, __ATOMIC_SEQ_CST)))
		t->on = 0;
	return (int)t->on;
}

/* 1 if no thread but T has recorded since SINCE, and none is in a hook now. */
static int others_are_silent(const struct thread *t, uint64_t since)
{
	const struct thread *other;

	for (other = first_thread(); other; other = other->next_thread)
		if (other != t && !other->is_dead &&
		    (__atomic_load_n(&other->ticks, __ATOMIC_RELAXED) >= since ||
		     __atomic_load_n(&other->inside, __ATOMIC_ACQUIRE)))
			return 0;
	return 1;
}

/*
 * T has filled a chunk that it began at SINCE. If nobody else has recorded meanwhile it becomes the
 * owner. The others are sent to thread_resume first; one that was inside a hook at that moment, or
 * got through just before, shows it, and all stays as it was.
 */
static void try_to_own(struct thread *t, uint64_t since)
{
	struct thread *other;

	if (registry->owner || !registry->can_own || !others_are_silent(t, since))
		return;
	lock_get(&registry->lock);
	if (!registry->owner) {
		for (other = first_thread(); other; other = other->next_thread)
			if (other != t)
				__atomic_store_n(&other->on, 0, __ATOMIC_SEQ_CST);
		sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
		if (others_are_silent(t, since))
			registry->owner = t;
	}
	lock_put(&registry->lock);
}

/* T begins a new chunk; its last one was begun at SINCE. */
static void choose_order(struct thread *t, uint64_t since)
{
	try_to_own(t, since);
	if (registry->owner == t)
		record_alone(t);
	else
		record_beside(t);
}

void thread_stamp_slow(struct thread *t, int is_after)
{
	uint64_t now, elapsed;

	if (unlikely(!__atomic_load_n(&t->on, __ATOMIC_RELAXED)))
		record_beside(t);
	now = is_after && t->stamp_every == 1 ? clock_ticks_after() : clock_ticks();
	elapsed = now > t->ticks ? now - t->ticks : 0;
	t->ticks += elapsed;
	if (t->order) {
		t->stamp_left = 0;
		return;
	}
	away_arm(t->away);
	t->stamp_every = elapsed > (uint64_t)t->stamp_every * STAMP_SLOW_TICKS ? 1 : STAMP_EVERY;
	t->stamp_left = t->stamp_every - 1;
}

void thread_multi(void)
{
	if (!registry || registry->can_own || !registry->owner)
		return;
	/* There is one thread still, and it is the caller: plain stores will do. */
	lock_get(&registry->lock);
	record_beside(registry->owner);
	registry->owner = NULL;
	lock_put(&registry->lock);
}

struct thread *thread_of(pthread_t pthread)
{
	struct thread *t;

	for (t = first_thread(); t; t = t->next_thread)
		if (!t->is_dead && pthread_equal(t->pthread, pthread))
			return t;
	return NULL;
}

uint64_t thread_lost(void)
{
	struct thread *t;
	uint64_t lost = registry ? registry->lost : 0;

	for (t = first_thread(); t; t = t->next_thread)
		lost += t->lost;
	return lost;
}

/* Writes T's events and gives its chunk back. The caller is T, or T runs no more. */
static void release_chunk(struct thread *t)
{
	if (!t->chunk)
		return;
	sink_rows(t->chunk, thread_order(t), &t->lost);
	spool_put(t->chunk);
	t->chunk = NULL;
	t->next = t->end = t->full = NULL;
}

/* T is over: its struct may serve another thread. */
static void retire(struct thread *t)
{
	release_chunk(t);
	follow_budget(); /* a thread may live so shortly that it writes but once */
	defs_thread_end(t->index);
	lock_get(&registry->lock);
	registry->lost += t->lost;
	t->lost = 0;
	t->on = 0;
	if (registry->owner == t)
		registry->owner = NULL;
	t->is_dead = 1;
	t->next_idle = registry->idle;
	registry->idle = t;
	lock_put(&registry->lock);
}

/*
 * Threads that died without a word (raw clone, events after their end) are written out when
 * the next thread comes.
 */
static void reap(void)
{
	struct thread *t;
	int pid = sys_getpid();

	for (t = first_thread(); t; t = t->next_thread) {
		uint32_t expected = 0;

		if (t->is_dead || !t->is_zombie || sys_tgkill(pid, t->tid, 0) != -ESRCH)
			continue;
		/* Two threads may reap at once: one wins. */
		if (!__atomic_compare_exchange_n(&t->is_reaped, &expected, 1, 0, __ATOMIC_ACQ_REL,
						 __ATOMIC_ACQUIRE))
			continue;
		__atomic_fetch_sub(&registry->zombies, 1, __ATOMIC_RELAXED);
		retire(t);
	}
}

static struct thread *new_struct(void)
{
	struct thread *t, *next;
	struct unwind_trace *trace;

	lock_get(&registry->lock);
	t = registry->idle;
	if (t) {
		registry->idle = t->next_idle;
		next = t->next_thread;
		trace = t->trace;
		memset(t, 0, sizeof(*t));
		t->next_thread = next;
		t->trace = trace;
	} else {
		t = arena_forgotten(sizeof(*t));
		if (t) {
			t->next_thread = registry->first;
			__atomic_store_n(&registry->first, t,
					 __ATOMIC_RELEASE); /* pairs with first_thread */
		}
	}
	if (t) {
		t->is_dead = 1; /* not to be looked at until it is filled */
		t->index = ++registry->count;
	}
	lock_put(&registry->lock);
	return t;
}

/*
 * Makes the calling thread known. Its struct, or NULL when memory has run out. The caller
 * has set early.is_attaching.
 */
static struct thread *attach(void)
{
	struct thread *t;

	if (registry->zombies)
		reap();
	t = new_struct();
	if (!t)
		return NULL;
	t->tid = sys_gettid();
	t->pthread = pthread_self();
	t->stamp_every = 1;
	t->away = away_word();
	sys_prctl(PR_GET_NAME, (unsigned long)t->name);
	if (unwind_thread_start(t))
		return NULL;
	if (early.has_ended) {
		t->is_zombie = 1;
		__atomic_fetch_add(&registry->zombies, 1, __ATOMIC_RELAXED);
	} else if (end.is_made) {
		pthread_setspecific(end.key, t);
	}
	defs_thread_start(t->index, t->tid, early.creator, early.stack, t->name);
	early.creator = early.stack = 0;
	if (t->index == 1) {
		registry->owner = t;
		record_alone(t);
	}
	t->is_dead = 0;
	return t;
}

static COLD struct thread *attach_slow(void)
{
	struct thread *t = NULL;

	if (early.is_attaching)
		return NULL;
	early.is_attaching = 1;
	if (lifecycle_start())
		t = attach();
	early.is_attaching = 0;
	if (!t)
		return NULL;
	thread_self = t;
	return t;
}

/*
 * A hook says that it is inside, and its frame is deeper than ours. On one stack that cannot
 * be: it was left by longjmp or an exception, and the guard with it. A handler on an
 * alternate stack, however, may well have interrupted it.
 */
static int is_stale(const struct thread *t, uintptr_t frame)
{
	stack_t alternate = { .ss_flags = SS_ONSTACK };

	return frame > t->inside && sys_call(SYS_sigaltstack, 0, &alternate) == 0 &&
	       !(alternate.ss_flags & SS_ONSTACK);
}

static COLD struct thread *nested_slow(struct thread *t, uintptr_t frame)
{
	if (early.is_attaching || !is_stale(t, frame))
		return NULL;
	return t;
}

struct thread *thread_enter_slow(struct thread *t, uintptr_t frame)
{
	int saved = errno;

	if (t != &thread_none && t->index && t->inside != frame) {
		t = nested_slow(t, frame);
	} else if (t == &thread_none) {
		t = attach_slow();
	} else if (!t->index) {
		/* Wiped by a fork: this is another process now. */
		thread_self = &thread_none;
		t = attach_slow();
	} else if (early.is_attaching) {
		return NULL; /* shielded, from the same frame */
	} else {
		/* Recording is off, another thread records alone, or a signal asks for a change. */
		lifecycle_toggle_pending();
	}
	if (t) {
		t->inside = frame;
		compiler_barrier(); /* as in thread_enter */
		if (!t->on && !thread_resume(t)) {
			t->inside = 0;
			t = NULL;
		}
	}
	errno = saved;
	return t;
}

/*
 * glibc puts a thread's control block, which pthread_self() names, at the top of its stack; a
 * guard of a page or more and the block itself count into its size. Asking pthread_getattr_np
 * would allocate from the program's heap.
 */
static void set_stack_bounds(struct thread *t, size_t bytes)
{
	uintptr_t top = (uintptr_t)t->pthread, here = (uintptr_t)__builtin_frame_address(0);

	if (bytes <= STACK_SLACK || here >= top || here < top - bytes + STACK_SLACK)
		return;
	t->stack_low = top - bytes + STACK_SLACK;
	t->stack_high = top;
}

void thread_begin(uint32_t creator, uint32_t stack, size_t stack_bytes)
{
	int saved = errno;

	if (thread_self == &thread_none && !early.is_attaching) {
		early.creator = creator;
		early.stack = stack;
		attach_slow();
		if (thread_self != &thread_none) {
			set_stack_bounds(thread_self, stack_bytes);
		}
	}
	errno = saved;
}

/*
 * Destructor of the end key: asks to be called again until the last round, so that the
 * program's own destructors come before.
 */
static void thread_ends(void *value)
{
	struct thread *t = value;
	char name[sizeof(t->name)] = "";

	if (t != thread_self || !t->index)
		return; /* of the parent, before a fork */
	t->inside = (uintptr_t)__builtin_frame_address(0);
	if (++t->exit_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
		pthread_setspecific(end.key, t);
		t->inside = 0;
		return;
	}
	sys_prctl(PR_GET_NAME, (unsigned long)name);
	if (memcmp(name, t->name, sizeof(name)) != 0)
		defs_thread_name(t->index, name);
	early.has_ended = 1;
	early.is_attaching =
		1; /* nothing of ours may attach this thread again before thread_self is reset */
	retire(t);
	thread_self = &thread_none;
	early.is_attaching = 0;
}

/*
 * Tells the sink what other threads than T have gathered and not written. How many rows T may
 * gather next. A chunk is never unmapped, so that of a thread which ends meanwhile may be looked at.
 */
static uint64_t expect(const struct thread *t)
{
	uint64_t bytes = 0;
	uint32_t threads = 1;
	const struct thread *other;

	for (other = first_thread(); other; other = other->next_thread) {
		const struct shim_chunk *chunk = __atomic_load_n(&other->chunk, __ATOMIC_RELAXED);

		if (other == t || other->is_dead || !chunk)
			continue;
		threads++;
		bytes += budget_bytes_of(__atomic_load_n(&chunk->used, __ATOMIC_RELAXED) /
					 sizeof(struct shim_row));
	}
	return sink_expect(bytes, threads);
}

/*
 * T's last chunk had COUNT rows, and writing them took NS: how many the next one may have. At once fewer
 * where that was too long, and more by and by where it was not.
 */
static void choose_rows(struct thread *t, uint64_t count, uint64_t ns)
{
	uint64_t rows = count * PAUSE_NS / (ns | 1);

	if (rows > COMPACT_ROWS_MAX)
		rows = COMPACT_ROWS_MAX;
	if (rows < ROWS_LEAST)
		rows = ROWS_LEAST;
	if (!t->rows_most || rows < t->rows_most)
		t->rows_most = (uint32_t)rows;
	else
		t->rows_most += (uint32_t)(rows - t->rows_most) / 8;
}

/* Writes T's chunk, if there is one with rows, and begins another. 0 or -ENOMEM. */
static int renew_chunk(struct thread *t)
{
	struct shim_chunk *old = t->chunk;
	uint32_t bytes = old ? CHUNK_LARGE_BYTES : CHUNK_SMALL_BYTES;
	uint32_t seq = t->seq;
	uint64_t since = 0, rows = expect(t), fits, ns;

	if (old) {
		uint64_t count = old->used / sizeof(*t->next);

		since = old->begin_ticks;
		ns = sink_rows(old, thread_order(t), &t->lost);
		/* not the first, small one: it pays for memory that is touched for the first time */
		if (old->bytes == CHUNK_LARGE_BYTES && count >= ROWS_LEAST / 2)
			choose_rows(t, count, ns);
		follow_budget();
		seq = old->seq;
	}
	if (!old || old->bytes < bytes) {
		struct shim_chunk *fresh = spool_get(SHIM_BLOCK_EVENTS, SHIM_LAYOUT_ROWS, t->index,
						     bytes);

		if (fresh) {
			fresh->lost = t->lost;
			fresh->seq = seq;
			if (old)
				spool_put(old);
			t->chunk = fresh;
			t->seq = seq;
		}
	}
	if (!t->chunk)
		return -ENOMEM;
	t->next = (struct shim_row *)(void *)(t->chunk + 1);
	fits = (t->chunk->bytes - sizeof(*t->chunk)) / sizeof(*t->next);
	if (fits > t->rows_most && t->rows_most && !sink_is_folding())
		fits = t->rows_most;
	t->full = t->next + (rows < fits ? rows : fits);
	t->end = t->full - (t->full - t->next) / REST_PART;
	t->chunk->sample_bytes = t->sample.mean_bytes;
	if (t->ticks < t->chunk->begin_ticks)
		t->ticks = t->chunk->begin_ticks;
	choose_order(t, since);
	return 0;
}

int thread_make_room(struct thread *t)
{
	if (t->next == t->full)
		return renew_chunk(t);
	sink_definitions();
	t->end = t->full;
	return 0;
}

void thread_allow(int is_on)
{
	struct thread *t;

	if (!registry)
		return;
	__atomic_store_n(&registry->is_allowed, is_on ? 1 : 0, __ATOMIC_SEQ_CST);
	/* With recording on again, each thread's next event finds that out. */
	for (t = first_thread(); t && !is_on; t = t->next_thread)
		__atomic_store_n(&t->on, 0, __ATOMIC_SEQ_CST);
}

void thread_suspend(void)
{
	struct thread *t;

	for (t = first_thread(); t; t = t->next_thread)
		__atomic_store_n(&t->on, 0, __ATOMIC_SEQ_CST);
}

void thread_shield(int on)
{
	struct thread *t = thread_self;

	early.is_attaching = on ? 1 : 0;
	if (t != &thread_none && t->index)
		t->inside = on ? (uintptr_t)__builtin_frame_address(0) : 0;
}

void thread_forked(void)
{
	thread_self = &thread_none;
	memset(&early, 0, sizeof(early));
}

void thread_drop_chunks(void)
{
	struct thread *t;

	for (t = first_thread(); t; t = t->next_thread) {
		if (t->chunk)
			t->seq = t->chunk->seq;
		t->chunk = NULL;
		t->next = t->end = t->full = NULL;
	}
}

/* Another thread's name stands in /proc; our own is asked for directly. */
void thread_refresh_name(struct thread *t)
{
	char path[64], name[sizeof(t->name) + 1] = "";
	long length;
	int fd;

	if (t == thread_self) {
		sys_prctl(PR_GET_NAME, (unsigned long)name);
	} else {
		log_format(path, sizeof(path), "/proc/self/task/%d/comm", t->tid);
		fd = sys_open(path, O_RDONLY | O_CLOEXEC, 0);
		if (fd < 0)
			return;
		length = sys_read(fd, name, sizeof(name) - 1);
		sys_close(fd);
		name[length > 0 ? length - 1 : 0] = '\0'; /* the line's end */
	}
	if (name[0] && strncmp(name, t->name, sizeof(t->name)) != 0)
		defs_thread_name(t->index, name);
}

static int has_others(const struct thread *self)
{
	const struct thread *t;

	for (t = first_thread(); t; t = t->next_thread)
		if (t != self && !t->is_dead)
			return 1;
	return 0;
}

void thread_stop_all(void (*flush)(struct thread *t))
{
	struct thread *t, *self = thread_self;
	int round;

	thread_allow(0);
	/*
	 * Every thread that enters from here on sees `on` 0, every one that entered before
	 * shows it in `inside`. A thread that is alone asks no barrier of the kernel: a sandboxed
	 * program may be killed for a system call that it does not make itself.
	 */
	if (has_others(self) && sys_membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED))
		sys_nanosleep_ns(STOP_WAIT_NS * 10); /* no membarrier in this kernel */
	for (t = first_thread(); t; t = t->next_thread)
		for (round = 0; round < STOP_ROUNDS && t != self && !t->is_dead &&
				__atomic_load_n(&t->inside, __ATOMIC_ACQUIRE);
		     round++)
			sys_nanosleep_ns(STOP_WAIT_NS);
	for (t = first_thread(); t; t = t->next_thread)
		if (!t->is_dead && t->chunk)
			flush(t);
}

_Static_assert((CHUNK_LARGE_BYTES - sizeof(struct shim_chunk)) / sizeof(struct shim_row) <=
		       COMPACT_ROWS_MAX,
	       "a chunk fits compact.c");
