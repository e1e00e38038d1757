/* SPDX-License-Identifier: MIT */
/*
 * objects.h - the loaded objects as the trace tells them: path, build-id, segments, load
 * and unload.
 */
#ifndef PRELOAD_OBJECTS_H
#define PRELOAD_OBJECTS_H

#include <stdint.h>

struct dso;

/*
 * Defines all objects that are loaded now. Context: start-up only (of the process, or of a
 * forked child).
 */
int objects_start(void);

/*
 * Compares the loader's list with ours and defines what came and went; after an unload
 * calls stacks_forget() and unwind_forget(). Takes the loader's lock. Context: any thread,
 * inside the guard, with no lock of ours held, after a call of the program's that takes that
 * lock, too.
 */
void objects_refresh(void);

/*
 * Defines DSO (of loader_find()), should it be new: code of it is on a stack, so it stays loaded
 * meanwhile. Waits for no lock of the loader's. Context: any thread, inside the guard, with no
 * lock of ours held.
 */
void objects_meet(const struct dso *dso);

/*
 * 1 if PC lies in an object that is already defined. Lock-free. Context: any thread.
 */
int objects_knows(uintptr_t pc);

/*
 * The object that holds PC, as far as it is defined: name, bias and program headers. 0 or
 * -ENOENT. Lock-free. Context: any thread.
 */
int objects_find(uintptr_t pc, struct dso *out);

#endif
