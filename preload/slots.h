/* SPDX-License-Identifier: MIT */
/*
 * slots.h - doors that must not be seen: hooks for functions that a system may lack.
 *
 * What libshim.so exports exists for whoever asks, by a weak symbol or by dlsym. A program that
 * asks whether its allocator has an extension would get "yes" from a library that only passes on,
 * and call into nothing. Such a function is not exported. When some object really defines it, the
 * slots of the global offset tables through which the others call it are turned to our hook.
 */
#ifndef PRELOAD_SLOTS_H
#define PRELOAD_SLOTS_H

#include <stddef.h>

struct slot_door {
	const char *name;
	void *hook;
	void **next; /* the definition that was found goes here, before any slot is turned */
};

/*
 * Turns the slots of COUNT functions to their hooks, if one object defines them all; that object is
 * left alone. To be called again when objects were loaded. Allocates nothing.
 * Context: any thread, while others may be calling through the slots.
 */
void slots_turn(const struct slot_door *doors, size_t count);

#endif
