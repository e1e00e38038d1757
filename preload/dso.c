/* SPDX-License-Identifier: MIT */
/*
 * dso.c - reads a loaded object in memory. Formats: ELF gABI chapter 5, and for the hash table the
 * GNU extension as binutils and glibc implement it (elf/dl-lookup.c's reader is the reference for
 * the meaning of the fields).
 *
 * Runs at start-up and after dlopen and dlclose, also under the loader's lock: it calls nothing but
 * string.h and the kernel.
 */
#define _GNU_SOURCE
#include "dso.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

#include "sys.h"

#define VERSION_HIDDEN 0x8000 /* of a DT_VERSYM entry: not the default version */

#if defined(__x86_64__)
#define IS_CALL(type) ((type) == R_X86_64_JUMP_SLOT || (type) == R_X86_64_GLOB_DAT)
#else
#define IS_CALL(type) ((type) == R_AARCH64_JUMP_SLOT || (type) == R_AARCH64_GLOB_DAT)
#endif

/* On aarch64 the kernel's pages may be of 16 or 64 KiB. */
static uintptr_t page_bytes(void)
{
	return getauxval(AT_PAGESZ);
}

/*
 * glibc relocates the addresses in a dynamic section in place; the kernel's vdso is left as the
 * linker made it.
 */
static const void *dynamic_pointer(const struct dso *dso, ElfW(Addr) value)
{
	return (const void *)(value < dso->bias ? value + dso->bias : value);
}

static void read_dynamic(struct dso *out, const ElfW(Dyn) * d)
{
	for (; d->d_tag != DT_NULL; d++) {
		switch (d->d_tag) {
		case DT_SYMTAB:
			out->symbols = dynamic_pointer(out, d->d_un.d_ptr);
			break;
		case DT_STRTAB:
			out->strings = dynamic_pointer(out, d->d_un.d_ptr);
			break;
		case DT_VERSYM:
			out->versions = dynamic_pointer(out, d->d_un.d_ptr);
			break;
		case DT_HASH:
			out->hash = dynamic_pointer(out, d->d_un.d_ptr);
			break;
		case DT_GNU_HASH:
			out->gnu_hash = dynamic_pointer(out, d->d_un.d_ptr);
			break;
		case DT_RELA:
			out->relocations[0] = dynamic_pointer(out, d->d_un.d_ptr);
			break;
		case DT_RELASZ:
			out->relocation_count[0] = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_JMPREL:
			out->relocations[1] = dynamic_pointer(out, d->d_un.d_ptr);
			break;
		case DT_PLTRELSZ:
			out->relocation_count[1] = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		default:
			break;
		}
	}
}

int dso_open(struct dso *out, const struct dl_phdr_info *info)
{
	const ElfW(Dyn) *dynamic = NULL;
	size_t i;

	memset(out, 0, sizeof(*out));
	out->name = info->dlpi_name ? info->dlpi_name : "";
	out->bias = info->dlpi_addr;
	out->phdr = info->dlpi_phdr;
	out->phdr_count = info->dlpi_phnum;
	for (i = 0; i < out->phdr_count; i++) {
		const ElfW(Phdr) *p = &out->phdr[i];

		if (p->p_type == PT_DYNAMIC) {
			dynamic = (const ElfW(Dyn) *)(out->bias + p->p_vaddr);
		} else if (p->p_type == PT_GNU_RELRO) {
			out->relro_low = (out->bias + p->p_vaddr) & ~(page_bytes() - 1);
			out->relro_high = (out->bias + p->p_vaddr + p->p_memsz) & ~(page_bytes() - 1);
		}
	}
	if (!dynamic)
		return -ENOEXEC;
	read_dynamic(out, dynamic);
	return out->symbols && out->strings ? 0 : -ENOEXEC;
}

static uint32_t gnu_hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

static void *symbol_address(const struct dso *dso, const ElfW(Sym) * symbol, const char *name)
{
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	if (symbol->st_shndx == SHN_UNDEF || (type != STT_FUNC && type != STT_NOTYPE) ||
	    strcmp(dso->strings + symbol->st_name, name) != 0)
		return NULL;
	return (void *)(dso->bias + symbol->st_value);
}

struct lookup {
	const struct dso *dso;
	const char *name;
	void *hidden; /* a definition that is not the default version */
};

/* The address if symbol I is the default definition, else NULL; others are kept in L->hidden. */
static void *look_at(struct lookup *l, uint32_t i)
{
	const struct dso *dso = l->dso;
	void *address = symbol_address(dso, &dso->symbols[i], l->name);

	if (!address || !dso->versions || !(dso->versions[i] & VERSION_HIDDEN))
		return address;
	l->hidden = address;
	return NULL;
}

static void *find_gnu(struct lookup *l)
{
	const uint32_t *table = l->dso->gnu_hash, *buckets, *chain;
	uint32_t hash = gnu_hash_of(l->name);
	uint32_t bucket_count = table[0], first = table[1], bloom_words = table[2], i;
	const ElfW(Addr) *bloom = (const ElfW(Addr) *)(const void *)(table + 4);
	ElfW(Addr) word;

	if (!bucket_count || !bloom_words)
		return NULL;
	word = bloom[(hash / 64) % bloom_words];
	if (!(word >> (hash % 64) & 1) || !(word >> ((hash >> table[3]) % 64) & 1))
		return NULL;
	buckets = (const uint32_t *)(bloom + bloom_words);
	chain = buckets + bucket_count;
	i = buckets[hash % bucket_count];
	for (; i >= first; i++) {
		void *address = (chain[i - first] | 1) == (hash | 1) ? look_at(l, i) : NULL;

		if (address || chain[i - first] & 1)
			return address;
	}
	return NULL;
}

/* The older table, in objects linked with --hash-style=sysv: its chain's length counts symbols. */
static void *find_plain(struct lookup *l)
{
	uint32_t i, count = l->dso->hash[1];
	void *address = NULL;

	for (i = 1; i < count && !address; i++)
		address = look_at(l, i);
	return address;
}

void *dso_find(const struct dso *dso, const char *name)
{
	struct lookup l = { dso, name, NULL };
	void *address = NULL;

	if (dso->gnu_hash)
		address = find_gnu(&l);
	else if (dso->hash)
		address = find_plain(&l);
	return address ? address : l.hidden;
}

int dso_holds(const struct dso *dso, uintptr_t addr)
{
	size_t i;

	for (i = 0; i < dso->phdr_count; i++) {
		const ElfW(Phdr) *p = &dso->phdr[i];

		if (p->p_type == PT_LOAD && addr - (dso->bias + p->p_vaddr) < p->p_memsz)
			return 1;
	}
	return 0;
}

size_t dso_build_id(const struct dso *dso, const uint8_t **id)
{
	size_t i;

	for (i = 0; i < dso->phdr_count; i++) {
		const ElfW(Phdr) *p = &dso->phdr[i];
		size_t align = p->p_align == 8 ? 8 : 4, at = 0;

		while (p->p_type == PT_NOTE && at + sizeof(ElfW(Nhdr)) <= p->p_memsz) {
			const uint8_t *note = (const uint8_t *)(dso->bias + p->p_vaddr + at);
			const ElfW(Nhdr) *head = (const void *)note;
			size_t name = (head->n_namesz + align - 1) & ~(align - 1);
			size_t body = (head->n_descsz + align - 1) & ~(align - 1);
			size_t whole = sizeof(*head) + name + body;

			if (whole > p->p_memsz - at)
				break;
			if (head->n_type == NT_GNU_BUILD_ID && head->n_namesz == 4 &&
			    memcmp(note + sizeof(*head), "GNU", 4) == 0) {
				*id = note + sizeof(*head) + name;
				return head->n_descsz;
			}
			at += whole;
		}
	}
	return 0;
}

static void redirect_slot(const struct dso *dso, void **slot, void *to)
{
	uintptr_t bytes = page_bytes(), page = (uintptr_t)slot & ~(bytes - 1);
	int is_protected = (uintptr_t)slot >= dso->relro_low && (uintptr_t)slot < dso->relro_high;

	if (*slot == to)
		return;
	if (is_protected && sys_mprotect((void *)page, bytes, PROT_READ | PROT_WRITE) != 0)
		return;
	__atomic_store_n(slot, to, __ATOMIC_RELEASE);
	if (is_protected)
		sys_mprotect((void *)page, bytes, PROT_READ);
}

void dso_redirect(const struct dso *dso, const char *name, void *to)
{
	size_t table, i;

	for (table = 0; table < 2; table++)
		for (i = 0; i < dso->relocation_count[table]; i++) {
			const ElfW(Rela) *r = &dso->relocations[table][i];
			const ElfW(Sym) *symbol = &dso->symbols[ELF64_R_SYM(r->r_info)];

			if (IS_CALL(ELF64_R_TYPE(r->r_info)) &&
			    strcmp(dso->strings + symbol->st_name, name) == 0)
				redirect_slot(dso, (void **)(dso->bias + r->r_offset), to);
		}
}
