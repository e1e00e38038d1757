/* SPDX-License-Identifier: MIT */
/*
 * rangelist.h - gives the range lists of a split unit the base address that only the skeleton
 * knows.
 */
#ifndef SYMBOL_RANGELIST_H
#define SYMBOL_RANGELIST_H

#include <stddef.h>
#include <stdint.h>

/*
 * Copies the contribution BYTES[SIZE] to .debug_rnglists.dwo (header, offsets, lists) with an entry
 * that sets the base to BASE before each list. Returns memory to be freed, its size in
 * *REBASED_BYTES; NULL if it is not one contribution of DWARF 5 in 32-bit format with 8-byte
 * addresses, or damaged.
 */
uint8_t *rangelist_rebase(const uint8_t *bytes, size_t size, uint64_t base, size_t *rebased_bytes);

#endif
