/* SPDX-License-Identifier: MIT */
/*
 * followed.h - the live blocks that are in the sample, so that their ends, and no others, are
 * recorded.
 *
 * A set of addresses. Looking one up takes no lock; it is asked at every free.
 */
#ifndef PRELOAD_FOLLOWED_H
#define PRELOAD_FOLLOWED_H

#include <stdint.h>

/* An empty set for this process. 0 or -ENOMEM. Context: start-up only. */
int followed_start(void);

/* ADDR (not 0) is followed from now on. 0, or -ENOMEM: then it is not. Context: any thread, inside the guard. */
int followed_add(uintptr_t addr);

/*
 * 1 if ADDR was followed, which it is no longer. The caller alone may name it, as it is about to
 * free it. Context: any thread, inside the guard.
 */
int followed_remove(uintptr_t addr);

#endif
