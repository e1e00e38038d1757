/* SPDX-License-Identifier: MIT */
/*
 * loader.h - the dynamic loader's objects without its locks: a hook may run while its own thread, or a thread
 * that waits for it, holds them.
 */
#ifndef PRELOAD_LOADER_H
#define PRELOAD_LOADER_H

#include <stdint.h>

#include "dso.h"

/* Looks for what loader_find() asks. Takes the loader's lock. Context: start-up only, once per program image. */
void loader_start(void);

/*
 * The object that holds PC, in any namespace: name, bias and program headers. 0; -ENOENT when there is none;
 * -ENOSYS when this loader cannot be asked, or not about this object. Lock-free. Context: any thread, signal
 * handler, for a PC whose object cannot be closed meanwhile.
 */
int loader_find(uintptr_t pc, struct dso *out);

/*
 * Calls VISIT with each object (as loader_find() fills it) of each namespace, from the loader's list as it lies in
 * memory. An object whose headers are not where all linkers put them is left out. Context: a process that has but
 * one thread, such as a fresh forked child: there the list may have been left in the middle of a change, and its lock
 * held for ever.
 */
void loader_walk(void (*visit)(const struct dso *dso, void *context), void *context);

#endif
