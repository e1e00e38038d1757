/* SPDX-License-Identifier: MIT */
/*
 * flame_folded.h - a flame tree as folded stacks, one line `a;b;c WEIGHT` per stack, outermost
 * frame first: the input of flamegraph.pl, inferno, speedscope and difffolded.pl.
 */
#ifndef OUT_FLAME_FOLDED_H
#define OUT_FLAME_FOLDED_H

#include "out/flame.h"
#include "util/buf.h"

/*
 * Writes F (finished) to OUT. In names, ';' becomes ':' and control characters become '_', since
 * both would end a field. Stacks without any frame stand as "[no stack]".
 */
void flame_folded_write(const struct flame *f, struct buf *out);

#endif
