/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.c - see lifecycle.h. The only file that knows everyone: the order of start,
 * fork, exec and end.
 *
 * State of this process lies in forgotten memory: a forked child finds LIFE_NONE and starts
 * a trace of its own with its first event (so that a child which only execs costs nothing).
 * Facts of the program image (settings, handlers) are ordinary memory and read once.
 */
#include "lifecycle.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "arena.h"
#include "clock.h"
#include "config.h"
#include "defs.h"
#include "log.h"
#include "objects.h"
#include "press.h"
#include "sink.h"
#include "spool.h"
#include "stacks.h"
#include "sys.h"
#include "thread.h"
#include "unwind.h"

/*
 * glibc's registration of an exit function; NULL as the object's handle keeps it out of the
 * unloading of any library.
 */
int __cxa_atexit(void (*function)(void *), void *argument, void *object);

enum life {
	LIFE_NONE = 0, /* not started, or a fresh forked child */
	LIFE_STARTING,
	LIFE_RUNNING,
	LIFE_CLOSING,
	LIFE_CLOSED,
	LIFE_OFF, /* this process is not recorded */
};

struct process {
	uint32_t life;
	int pid;
	uint32_t is_recording;
	uint32_t is_toggle_pending;
};

static struct process *process; /* in forgotten memory */

static struct {
	int is_read;   /* settings and handlers of this program image */
	int has_begun; /* a process of this image has been recorded: the next one is a forked child */
} image;

static uint32_t life(void)
{
	return process ? __atomic_load_n(&process->life, __ATOMIC_ACQUIRE) : LIFE_NONE;
}

static void set_life(enum life next)
{
	__atomic_store_n(&process->life, next, __ATOMIC_RELEASE);
}

int lifecycle_is_own_process(void)
{
	return process && process->pid == sys_getpid();
}

/*
 * SHIM_SIGNAL: recording stops at once; the next event of any thread, outside the handler,
 * does the rest.
 */
static void toggle_sig(int number)
{
	(void)number;
	if (!process)
		return;
	__atomic_store_n(&process->is_toggle_pending, 1, __ATOMIC_SEQ_CST);
	thread_suspend();
}

static void install_signal(void)
{
	struct sigaction action = { .sa_handler = toggle_sig, .sa_flags = SA_RESTART };

	if (!config.signal)
		return;
	sigemptyset(&action.sa_mask);
	if (sigaction(config.signal, &action, NULL))
		log_line("SHIM_SIGNAL: no handler can be installed for signal %d", config.signal);
}

static void ends_quickly(void)
{
	lifecycle_close("quick_exit");
}

/* Once per program image: the environment and what must be registered. */
static void read_image(void)
{
	if (image.is_read)
		return;
	image.is_read = 1;
	config_read(environ);
	log_start(config.log);
	clock_start();
	install_signal();
	at_quick_exit(ends_quickly); /* registered first, so called last */
}

static void tell_problem(const char *line)
{
	log_line("%s", line);
	defs_note(SHIM_NOTE_WARNING, line);
}

static int start_files(void)
{
	int rc = press_start();

	if (rc == 0)
		rc = sink_start();
	if (rc) {
		log_line("no trace: no file can be made for %s: %s (error %d)", config.output,
			 log_reason(-rc), -rc);
		return rc;
	}
	rc = spool_start(sink_path(), sink_run_id());
	if (defs_start())
		return -ENOMEM;
	defs_clock();
	if (rc) {
		log_line("no spool beside %s: %s (error %d); a kill would lose the newest events",
			 sink_path(), log_reason(-rc), -rc);
		defs_note(SHIM_NOTE_WARNING,
			  "no spool file could be made: a kill loses the newest events of each thread");
	}
	return 0;
}

static int start(void)
{
	int rc = start_files();

	if (rc)
		return rc;
	rc = stacks_start();
	if (rc == 0)
		rc = thread_start();
	if (rc)
		return rc;
	config_problems(tell_problem);
	objects_start();
	if (unwind_start())
		tell_problem(
			"no stack unwinder could be loaded (install libunwind8): stacks hold one frame");
	process->is_recording = config.is_start_on;
	if (!config.is_start_on)
		defs_recording(0);
	thread_allow((int)config.is_start_on);
	defs_clock(); /* with the first pair it gives the tick rate, however soon a kill comes */
	return 0;
}

int lifecycle_start(void)
{
	uint32_t expected = LIFE_NONE;

	if (likely(life() == LIFE_RUNNING))
		return 1;
	if (life() != LIFE_NONE || !environ)
		return 0;
	if (!process) {
		struct process *fresh = arena_forgotten(sizeof(*fresh));
		struct process *none = NULL;

		if (!fresh)
			return 0;
		__atomic_compare_exchange_n(&process, &none, fresh, 0, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE);
	}
	if (!__atomic_compare_exchange_n(&process->life, &expected, LIFE_STARTING, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return 0;
	process->pid = sys_getpid();
	read_image();
	if ((image.has_begun && !config.is_children_on) || start()) {
		set_life(LIFE_OFF);
		return 0;
	}
	image.has_begun = 1;
	set_life(LIFE_RUNNING);
	return 1;
}

void lifecycle_record(int is_on)
{
	if (life() != LIFE_RUNNING || (is_on != 0) == (process->is_recording != 0))
		return;
	process->is_recording = is_on ? 1 : 0;
	defs_recording(is_on);
	thread_allow(is_on);
}

void lifecycle_toggle_pending(void)
{
	if (likely(!process || !process->is_toggle_pending))
		return;
	if (!__atomic_exchange_n(&process->is_toggle_pending, 0, __ATOMIC_SEQ_CST))
		return;
	/* The handler has suspended all threads, so the state is written even when it was on. */
	lifecycle_record(!process->is_recording);
}

/* 1 when the last events of some thread are in the spool alone. Written by lifecycle_close. */
static int has_unwritten;

static void flush(struct thread *t)
{
	thread_refresh_name(t);
	sink_rows(t->chunk, thread_order(t), NULL);
	has_unwritten |= t->chunk->used != 0;
}

void lifecycle_close(const char *end_reason)
{
	uint32_t expected = LIFE_RUNNING;
	int saved = errno;

	if (life() != LIFE_RUNNING || !lifecycle_is_own_process())
		return;
	/*
	 * A handler that interrupted a hook of ours and ends the process from there: a lock
	 * may be held below us. The spool has every event, so leave it in place.
	 */
	if (thread_is_inside()) {
		thread_allow(0);
		return;
	}
	if (!__atomic_compare_exchange_n(&process->life, &expected, LIFE_CLOSING, 0,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;
	thread_shield(1);
	has_unwritten = 0;
	thread_stop_all(flush);
	if (sink_finish(end_reason) == 0 && !has_unwritten)
		spool_remove();
	set_life(LIFE_CLOSED);
	thread_shield(0);
	errno = saved;
}

void lifecycle_reopen(void)
{
	int saved = errno;

	if (life() != LIFE_CLOSED || !lifecycle_is_own_process())
		return;
	thread_shield(1);
	thread_drop_chunks();
	defs_drop_chunk();
	spool_start(sink_path(), sink_run_id());
	defs_clock();
	set_life(LIFE_RUNNING);
	thread_allow((int)process->is_recording);
	thread_shield(0);
	errno = saved;
}

void lifecycle_forked(void)
{
	arena_forget();
	thread_forked();
}

static void ends_last(void *argument)
{
	(void)argument;
	lifecycle_close("exit");
}

__attribute__((constructor)) static void begins(void)
{
	thread_begin(0, 0, 0);
}

/*
 * Destructors of libraries run in an order in which ours is not the last. An exit function
 * that is registered while they run is called when all of them are done.
 */
__attribute__((destructor)) static void ends(void)
{
	if (__cxa_atexit(ends_last, NULL, NULL))
		lifecycle_close("exit");
}
