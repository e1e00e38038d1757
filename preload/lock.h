/* SPDX-License-Identifier: MIT */
/*
 * lock.h - a futex lock of our own: no libc, no errno, no cancellation point, and free when
 * its memory is zero, so that a forked child (whose copy was wiped) never finds it held by
 * a thread that does not exist there.
 */
#ifndef PRELOAD_LOCK_H
#define PRELOAD_LOCK_H

#include <linux/futex.h>
#include <stdint.h>

#include "sys.h"

#define LOCK_SPINS 100

/* 0 free, 1 held, 2 held and somebody waits. */
struct lock {
	uint32_t word;
};

static inline int lock_try(struct lock *l)
{
	uint32_t expected = 0;

	/* acquire: pairs with the release in lock_put */
	return __atomic_compare_exchange_n(&l->word, &expected, 1, 0, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static COLD __attribute__((unused)) void lock_get_slow(struct lock *l)
{
	int i;

	for (i = 0; i < LOCK_SPINS; i++) {
		if (lock_try(l))
			return;
		cpu_relax();
	}
	while (__atomic_exchange_n(&l->word, 2, __ATOMIC_ACQUIRE) != 0)
		sys_futex(&l->word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, NULL);
}

/*
 * Context: any thread inside the guard (a signal handler never gets there while its thread
 * holds a lock).
 */
static inline void lock_get(struct lock *l)
{
	if (unlikely(!lock_try(l)))
		lock_get_slow(l);
}

static inline void lock_put(struct lock *l)
{
	if (unlikely(__atomic_exchange_n(&l->word, 0, __ATOMIC_RELEASE) == 2))
		sys_futex(&l->word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL);
}

#endif
