/* SPDX-License-Identifier: MIT */
/*
 * dso.h - one loaded object, read where it lies in memory: its dynamic section, symbols,
 * relocations, build-id.
 *
 * Reads only what the loader has mapped and relocated; no file, no allocation, no lock. The structs
 * point into the object and are valid while it stays loaded (inside a dl_iterate_phdr callback,
 * say).
 */
#ifndef PRELOAD_DSO_H
#define PRELOAD_DSO_H

#include <elf.h>
#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct dl_phdr_info;

struct dso {
	const char *name; /* as the loader has it: "" for the program */
	uintptr_t bias;
	const ElfW(Phdr) * phdr;
	size_t phdr_count;
	const ElfW(Sym) * symbols;
	const char *strings;
	const ElfW(Half) * versions;       /* NULL: symbols have none */
	const uint32_t *gnu_hash;          /* DT_GNU_HASH, or NULL */
	const uint32_t *hash;              /* DT_HASH, or NULL */
	const ElfW(Rela) * relocations[2]; /* DT_RELA and DT_JMPREL */
	size_t relocation_count[2];
	uintptr_t relro_low,
		relro_high; /* read-only after relocation, whole pages; both 0 when there is none */
};

/*
 * Fills OUT from what dl_iterate_phdr tells. 0, or -ENOEXEC when there is no usable dynamic section
 * (phdr are set all the same).
 */
int dso_open(struct dso *out, const struct dl_phdr_info *info);

/*
 * Address of the function NAME that DSO defines for others, or NULL: its default version, or where
 * there is none (a function kept for old programs only) any. Indirect functions (IFUNC) count as
 * not found.
 */
void *dso_find(const struct dso *dso, const char *name);

/* 1 if ADDR lies in a loaded segment of DSO. */
int dso_holds(const struct dso *dso, uintptr_t addr);

/* The build-id note: *ID points at it, returns its length; 0 when there is none. */
size_t dso_build_id(const struct dso *dso, const uint8_t **id);

/*
 * Turns every slot through which DSO calls the function NAME to TO: one store each; a page that was
 * read-only is so again afterwards. Other threads may be running in DSO.
 */
void dso_redirect(const struct dso *dso, const char *name, void *to);

/* Code of libshim.so itself, between these two (defined by the linker). */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));
extern const char etext[] __attribute__((visibility("hidden")));

/* 1 if PC lies in our own code. Context: any thread, signal handler. */
static inline int dso_is_own(uintptr_t pc)
{
	return pc - (uintptr_t)__ehdr_start < (uintptr_t)(etext - __ehdr_start);
}

#endif
