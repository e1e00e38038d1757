/* SPDX-License-Identifier: MIT */
/*
 * debts.h - ends that the rows do not show (docs/trace-format.md, 2.4): where a folded pair was the
 * begin of one block and the end of another, the reader sees an end too many and then one too few.
 * The first leaves a debt at its address; the block allocated there next takes it, gives it back
 * when its own end is seen, and has ended without one when the debt is due.
 */
#ifndef PASS_DEBTS_H
#define PASS_DEBTS_H

#include <stddef.h>
#include <stdint.h>

#include "util/map.h"

struct debt {
	uint64_t addr;
	uint64_t due_ticks; /* the last tick at which the missing end can have been */
	uint32_t open;      /* that no block has taken */
	uint32_t is_taken;  /* by the block alive at addr */
};

/* Zero-initialise. count 0: nothing needs to be asked. */
struct debts {
	struct debt *items;
	size_t count, capacity;
	struct map place_of; /* by address */
};

void debts_free(struct debts *d);
/* One more at ADDR, due at DUE_TICKS. */
void debts_add(struct debts *d, uint64_t addr, uint64_t due_ticks);
/* One less: it was none after all. */
void debts_withdraw(struct debts *d, uint64_t addr);
/* A block came alive at ADDR. Returns whether it took one. */
int debts_take(struct debts *d, uint64_t addr);
/* The end of the block at ADDR was seen. Returns whether it had one. */
int debts_give_back(struct debts *d, uint64_t addr);
/* Returns whether the block at ADDR had one, which is settled by that: it has ended. */
int debts_settle(struct debts *d, uint64_t addr);
/*
 * Takes out one debt due before TICKS: 1 with *DEBT, else 0. *AT: count before the first of a series
 * of calls. A series looks at all of them: begin one when debts_next says so.
 */
int debts_pop(struct debts *d, size_t *at, uint64_t ticks, struct debt *debt);
/* The first tick at which debts_pop gives one; UINT64_MAX without any. */
uint64_t debts_next(const struct debts *d);

#endif
