/* SPDX-License-Identifier: MIT */
/*
 * thread.h - the guard: per-thread state, re-entrancy, and the registry of threads.
 *
 * Every hook asks thread_enter() first. What settings, start-up, shutdown, fork and nesting
 * change is folded into the state found there, so that a hook body has one branch. A struct
 * thread lives in memory that the kernel wipes in a forked child (arena_forgotten): the
 * child finds zeros, takes the slow path and begins a trace of its own.
 */
#ifndef PRELOAD_THREAD_H
#define PRELOAD_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "away.h"
#include "sample.h"
#include "shim_trace.h"
#include "sys.h"

struct unwind_trace;

struct thread {
	/*
	 * Guard: frame address of the hook that is inside, 0 when none. Written by the
	 * owner, read by lifecycle.c.
	 */
	uintptr_t inside;
	/*
	 * 1 while this thread records without asking; 0 sends its next event to the slow path,
	 * which may put it back. Others write 0 alone.
	 */
	uint32_t on;

	/* Rows: the thread itself alone writes them. This far one cache line. */
	uint32_t stamp_left; /* events until the clock is read again */
	struct shim_row *next;
	struct shim_row *end;
	struct shim_chunk *chunk;
	uint64_t ticks; /* last stamp, not below the chunk's begin */
	uint64_t *away; /* tells whether the thread has slept since that stamp (away.h) */
	/* The unwinder's memory of this thread's last stack; owned by unwind.c. */
	struct unwind_trace *trace;

	uint32_t stamp_every; /* 1 while other threads record too */
	uint32_t ignore;      /* nesting of shim_ignore_begin */
	uint64_t lost;        /* events dropped, cumulative */

	/* What of the thread's allocations is recorded: changes between two events, and the chunk with it. */
	struct sample sample;
	uint32_t is_skipping; /* sampling began in the middle of the run: skipped.h, else followed.h */
	uint32_t is_old_followed; /* of the realloc that is going on */
	/* the newest block in the sample, and what sample.left_bytes was behind it */
	const void *newest_sampled;
	int64_t newest_left_bytes;

	uint32_t index;     /* in the trace, from 1 */
	uint32_t seq;       /* of the chunk */
	uint32_t rows_most; /* that it gathers before it writes them: what takes PAUSE_NS */
	struct shim_row *full; /* end, or the end that the chunk has when its definitions are written */
	uint32_t order;        /* what the chunk must keep: COMPACT_* of compact.h */

	/* Identity. */
	pthread_t pthread;
	int32_t tid;
	uint32_t is_dead;   /* ended, the struct waits for reuse */
	uint32_t is_zombie; /* attached again after its end: reaped when its tid is gone */
	uint32_t is_reaped;
	uint32_t exit_rounds; /* key destructor rounds seen */
	uintptr_t stack_low; /* lies in the thread's own stack, as all below stack_high; 0: unknown */
	uintptr_t stack_high;
	char name[16];
	struct thread *next_thread; /* registry, push only */
	struct thread *next_idle;
};

/*
 * The state of a thread that has not been seen yet: always "inside", so that the fast path
 * leaves it alone.
 */
extern struct thread thread_none;

extern __thread struct thread *thread_self __attribute__((tls_model("initial-exec")));

/*
 * What the fast path could not decide: the first event of a thread, of a process, or of a
 * forked child; recording off; or a nested call. Returns the thread if the event is to be
 * recorded, else NULL. Keeps errno.
 * Context: any thread.
 */
struct thread *thread_enter_slow(struct thread *t, uintptr_t frame);

/*
 * Enters the guard for the hook whose frame address is FRAME (__builtin_frame_address(0)).
 * Returns this thread's state, or NULL: then only the real call is made. Each non-NULL
 * result needs one thread_leave().
 * Context: any thread; in a signal handler that interrupted a hook it returns NULL.
 */
static inline struct thread *thread_enter(const void *frame)
{
	struct thread *t = thread_self;

	if (unlikely(t->inside)) {
		/*
		 * nested, as in operator new's malloc; anything else is for the slow path, the same frame
		 * as well: the hook that had it was left by longjmp
		 */
		if (likely((uintptr_t)frame < t->inside))
			return NULL;
		return thread_enter_slow(t, (uintptr_t)frame);
	}
	t->inside = (uintptr_t)frame;
	compiler_barrier(); /* pairs with the membarrier in thread_stop_all: inside is seen before on is read */
	if (likely(t->on))
		return t;
	return thread_enter_slow(t, (uintptr_t)frame);
}

/* Leaves the guard. Context: the thread that entered. */
static inline void thread_leave(struct thread *t)
{
	compiler_barrier();
	t->inside = 0;
}

/*
 * 1 if a hook is inside on this thread: the call comes from the real allocator, from our
 * own code, or from the loader working for us. Context: any thread.
 */
int thread_is_inside(void);

/*
 * The process is about to have a second thread. Context: any thread, before that thread can run.
 */
void thread_multi(void);

/*
 * What T's chunk, written now, must keep: COMPACT_* of compact.h. Context: T itself, or another
 * thread when T is stopped.
 */
unsigned thread_order(const struct thread *t);

/*
 * Reads the clock for T's event, which IS_AFTER the real call or before it. Context: T itself,
 * inside the guard.
 */
void thread_stamp_slow(struct thread *t, int is_after);

/*
 * The time of T's event in T->ticks, as exact as the order of threads needs it. A thread that
 * records alone reads the clock once in a few events, and at the first one after it slept or was
 * preempted. The look at `on` is there for a thread that takes the right to record alone away from
 * T (thread.c): it does not have to wait for T's hook to end.
 */
static inline void thread_stamp(struct thread *t, int is_after)
{
	if (unlikely(t->stamp_left == 0) || unlikely(!__atomic_load_n(&t->on, __ATOMIC_RELAXED)) ||
	    unlikely(away_was(t->away)))
		thread_stamp_slow(t, is_after);
	else
		t->stamp_left--;
}

/*
 * A mark was made on T, so events before and after it must tell: the next one is stamped, and
 * times are written to the tick from now on. Context: T itself, inside the guard.
 */
void thread_marked(struct thread *t);

/*
 * Attaches the calling thread if it is new, with the facts that its creator left for it.
 * CREATOR: index of the creating thread, 0 unknown; STACK: where it was created; STACK_BYTES:
 * size of its stack, 0 unknown. For the start routine that pthread_create's hook wraps.
 * Context: the new thread, not inside the guard.
 */
void thread_begin(uint32_t creator, uint32_t stack, size_t stack_bytes);

/*
 * Prepares the registry. 0 or -errno. Context: start-up only (of the process, or of a
 * forked child).
 */
int thread_start(void);

/*
 * Recording on or off for all threads, those to come too. Context: any thread; with IS_ON 0
 * also a signal handler.
 */
void thread_allow(int is_on);

/* Every thread takes the slow path at its next event. Context: signal handler. */
void thread_suspend(void);

/*
 * With ON 1 all hooks called by this thread pass through until ON 0. Context: any thread,
 * not inside a hook.
 */
void thread_shield(int on);

/* Defines T's name if it has changed. Context: lifecycle.c, T stopped. */
void thread_refresh_name(struct thread *t);

/*
 * Forgets all chunks, which are written, for a new spool. Context: lifecycle.c, all threads
 * stopped.
 */
void thread_drop_chunks(void);

/* The calling thread begins anew: it is the only one of a forked child. Context: there. */
void thread_forked(void);

/*
 * Stops recording in all threads and waits until none is inside (at most about 0.2 s; a
 * thread that is stuck keeps its committed events). Then FLUSH is called for each thread
 * that has a chunk. Context: lifecycle.c, inside the guard of the caller.
 */
void thread_stop_all(void (*flush)(struct thread *t));

/*
 * Full chunk: writes it and makes room; one that is nearly full: writes its definitions, so that neither
 * takes long. 0, or -ENOMEM when there is no chunk to be had.
 * Context: T itself, inside the guard.
 */
int thread_make_room(struct thread *t);

/* Events dropped for want of a chunk, all threads. */
uint64_t thread_lost(void);

/* The thread record of PTHREAD, or NULL. Context: any thread. */
struct thread *thread_of(pthread_t pthread);

#endif
