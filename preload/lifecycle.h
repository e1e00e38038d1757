/* SPDX-License-Identifier: MIT */
/*
 * lifecycle.h - birth, fork, exec and death of the recording in this process.
 */
#ifndef PRELOAD_LIFECYCLE_H
#define PRELOAD_LIFECYCLE_H

/*
 * Starts recording if it has not been started in this process: reads settings (once), opens
 * the trace, defines what is loaded. Called by the slow path at the first event after libc
 * is up and by the constructor. 1 if the process records now, else 0.
 * Context: any thread, inside the guard.
 */
int lifecycle_start(void);

/*
 * Ends the trace: stops all threads' recording, flushes their rings, writes index and
 * footer with END ("exit", "_exit", "quick_exit", "exec"), removes the spool. In a vforked
 * child (which shares our memory but is another process) it does nothing. Idempotent.
 * Context: any thread; not inside the guard.
 */
void lifecycle_close(const char *end);

/*
 * An exec failed after lifecycle_close("exec"): recording goes on in the same trace.
 * Context: as above.
 */
void lifecycle_reopen(void);

/*
 * fork() returned 0 in the child (state may or may not have been wiped by the kernel).
 * Context: the child's only thread.
 */
void lifecycle_forked(void);

/* shim_start and shim_stop. Context: any thread. */
void lifecycle_record(int is_on);

/*
 * Carries out what SHIM_SIGNAL's handler asked for, if anything. Context: any thread,
 * inside the guard.
 */
void lifecycle_toggle_pending(void);

/*
 * 1 if this process is the one that records (false in a vforked child). Context: any thread.
 */
int lifecycle_is_own_process(void);

#endif
