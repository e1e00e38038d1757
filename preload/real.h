/* SPDX-License-Identifier: MIT */
/*
 * real.h - the next definitions: what the program would have called had we not stood before it.
 *
 * Usually libc's, but any library behind us in symbol order may define them (jemalloc, tcmalloc,
 * another preload). The table starts full of stubs; the first one that is called fills the whole
 * table. A hook therefore calls real.NAME at any time, before our constructor and after our
 * destructor.
 */
#ifndef PRELOAD_REAL_H
#define PRELOAD_REAL_H

#include <pthread.h>
#include <spawn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <threads.h>

struct real {
#define HOOK(name, result, parameters, arguments) result(*name) parameters;
#include "hooks.def"
};

/* Written by real_fill() alone. */
extern struct real real;

/*
 * Fills the table; the stubs call it. Allocates nothing, takes no lock but the one of the loader's
 * list, keeps errno. Context: any thread.
 */
void real_fill(void);

/* Objects were loaded: looks again for what was not there before. Context: any thread. */
void real_loaded(void);

#endif
