/* SPDX-License-Identifier: MIT */
/*
 * symtab.h - ELF symbol tables as an index from address to symbol: the names of code without debug
 * information.
 */
#ifndef SYMBOL_SYMTAB_H
#define SYMBOL_SYMTAB_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/interval.h"
#include "symbol/object.h"

struct symtab_symbol {
	uint64_t addr;
	uint64_t end; /* first address behind: addr + size, or up to the next symbol or section */
	const char *name;    /* in .symtab perhaps with an "@VERSION" */
	uint8_t rank;        /* among names of one address: lower is better */
	uint8_t is_exported; /* a global or weak function, not a local one or a label */
};

/* Zero-initialise. Names live in the objects, which must outlive the table. */
struct symtab {
	struct symtab_symbol *symbols; /* by address, one for each */
	size_t count;
	size_t capacity;
	struct interval_index index;
	const struct object *layout; /* whose code ranges delimit symbols */
};

/*
 * Adds the function symbols of OBJECT's tables of type SHT_SYMTAB or SHT_DYNSYM. Returns how many
 * it found.
 */
size_t symtab_add(struct symtab *table, struct object *object, uint32_t type);

/* Makes TABLE ready for queries; code ranges are those of LAYOUT. */
void symtab_finish(struct symtab *table, const struct object *layout);

/* The symbol whose code VADDR belongs to, or NULL. */
const struct symtab_symbol *symtab_covering(const struct symtab *table, uint64_t vaddr);

/* The nearest symbol at or below VADDR in the same section, or NULL. */
const struct symtab_symbol *symtab_nearest(const struct symtab *table, uint64_t vaddr);

void symtab_free(struct symtab *table);

#endif
