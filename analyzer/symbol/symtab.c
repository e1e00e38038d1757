/* SPDX-License-Identifier: MIT */
/*
 * symtab.c - see symtab.h. Where several names share an address (malloc, __libc_malloc) the choice
 * must not depend on the order in the file: exported before local (weak or not: the weak one is
 * often the public name), few leading underscores before many, short before long, then
 * alphabetical.
 */
#include "symbol/symtab.h"

#include <stdlib.h>
#include <string.h>

#include "util/pool.h"

/* Bounds what a hostile table costs; the largest real programs have some two million symbols. */
#define MOST_SYMBOLS  (16u << 20)
#define MOST_COMPARED 256 /* bytes of two names of one address */

static int is_code(const struct object *object, const GElf_Sym *symbol)
{
	switch (GELF_ST_TYPE(symbol->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return symbol->st_shndx != SHN_UNDEF && symbol->st_value != 0;
	case STT_NOTYPE: /* labels of assembly */
		return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx != SHN_ABS &&
		       object_code_at(object, symbol->st_value) != NULL;
	default:
		return 0;
	}
}

static uint8_t rank_of(const GElf_Sym *symbol, const char *name)
{
	unsigned int underscores = (unsigned int)strspn(name, "_");
	unsigned int rank = GELF_ST_BIND(symbol->st_info) == STB_LOCAL;

	/* A label (of NOTYPE) names a place, a function names the code. */
	if (GELF_ST_TYPE(symbol->st_info) == STT_NOTYPE)
		rank += 2;
	return (uint8_t)(rank * 8 + (underscores < 7 ? underscores : 7));
}

/* The strings of table HEADER; *BYTES excludes what is behind the last terminator. */
static const char *strings_of(const struct object *object, const GElf_Shdr *header, size_t *bytes)
{
	Elf_Scn *section = elf_getscn(object->elf, header->sh_link);
	Elf_Data *data = section ? elf_rawdata(section, NULL) : NULL;
	const char *last;

	if (!data || !data->d_buf || !(last = memrchr(data->d_buf, 0, data->d_size)))
		return NULL;
	*bytes = (size_t)(last + 1 - (const char *)data->d_buf);
	return data->d_buf;
}

static void add_table(struct symtab *t, struct object *object, Elf_Scn *section,
		      const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t entries = data && header->sh_entsize ? data->d_size / header->sh_entsize : 0;
	size_t i, string_bytes = 0;
	const char *strings = strings_of(object, header, &string_bytes);

	for (i = 1; i < entries && i < INT32_MAX && t->count < MOST_SYMBOLS; i++) {
		const char *name;
		GElf_Sym symbol;

		if (!gelf_getsym(data, (int)i, &symbol))
			break;
		if (!is_code(object, &symbol))
			continue;
		name = symbol.st_name < string_bytes ? strings + symbol.st_name : "";
		if (!name[0] || name[0] == '$' || name[0] == '.')
			continue;
		t->symbols = pool_grow(t->symbols, &t->capacity, t->count + 1, sizeof(*t->symbols));
		t->symbols[t->count++] = (struct symtab_symbol){
			.addr = symbol.st_value,
			.end = symbol.st_value + symbol.st_size,
			.name = name,
			.rank = rank_of(&symbol, name),
			.is_exported = GELF_ST_BIND(symbol.st_info) != STB_LOCAL &&
				       GELF_ST_TYPE(symbol.st_info) != STT_NOTYPE,
		};
	}
}

size_t symtab_add(struct symtab *t, struct object *object, uint32_t type)
{
	size_t before = t->count;
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(object->elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == type)
			add_table(t, object, section, &header);
	return t->count - before;
}

static int by_address(const void *a, const void *b)
{
	const struct symtab_symbol *x = a, *y = b;
	size_t x_bytes, y_bytes;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	x_bytes = strnlen(x->name, MOST_COMPARED);
	y_bytes = strnlen(y->name, MOST_COMPARED);
	if (x_bytes != y_bytes)
		return x_bytes < y_bytes ? -1 : 1;
	return memcmp(x->name, y->name, x_bytes);
}

/* Keeps the best name of each address, with the longest extent that any of its names has. */
static void keep_best(struct symtab *t)
{
	size_t i, kept = 0;

	for (i = 0; i < t->count; i++) {
		struct symtab_symbol *last = kept ? &t->symbols[kept - 1] : NULL;

		if (!last || last->addr != t->symbols[i].addr)
			t->symbols[kept++] = t->symbols[i];
		else if (t->symbols[i].end > last->end)
			last->end = t->symbols[i].end;
	}
	t->count = kept;
}

void symtab_finish(struct symtab *t, const struct object *layout)
{
	struct interval_list list = { 0 };
	size_t i;

	t->layout = layout;
	if (t->count == 0)
		return;
	qsort(t->symbols, t->count, sizeof(*t->symbols), by_address);
	keep_best(t);
	for (i = 0; i < t->count; i++) {
		struct symtab_symbol *symbol = &t->symbols[i];
		const struct object_code *code = object_code_at(layout, symbol->addr);

		if (symbol->end <= symbol->addr) { /* no size, as assembly has it */
			symbol->end = code ? code->hi : symbol->addr + 1;
			if (i + 1 < t->count && t->symbols[i + 1].addr < symbol->end)
				symbol->end = t->symbols[i + 1].addr;
		}
		interval_add(&list, symbol->addr, symbol->end, (uint32_t)i, (uint32_t)i);
	}
	interval_build(&t->index, &list);
	interval_list_free(&list);
}

const struct symtab_symbol *symtab_covering(const struct symtab *t, uint64_t vaddr)
{
	uint32_t i = interval_find(&t->index, vaddr);

	return i == INTERVAL_NONE ? NULL : &t->symbols[i];
}

const struct symtab_symbol *symtab_nearest(const struct symtab *t, uint64_t vaddr)
{
	const struct object_code *code = t->layout ? object_code_at(t->layout, vaddr) : NULL;
	size_t low = 0, high = t->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->symbols[middle].addr <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || !code || t->symbols[low - 1].addr < code->lo)
		return NULL;
	return &t->symbols[low - 1];
}

void symtab_free(struct symtab *t)
{
	free(t->symbols);
	interval_free(&t->index);
	*t = (struct symtab){ 0 };
}
