/* SPDX-License-Identifier: MIT */
/* nearest.h - "did you mean …": the known word that a mistyped one is closest to. Pure. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

/*
 * Edits (insert, delete, replace, swap of neighbours) between A and B, both under 64 bytes; longer
 * ones count as 64 apart.
 */
unsigned nearest_distance(const char *a, const char *b);

/*
 * The word of WORDS[COUNT] that is closest to TEXT, or NULL when none is near enough to be meant.
 * Ties: the first.
 */
const char *nearest_word(const char *text, const char *const *words, size_t count);

#endif
