/* SPDX-License-Identifier: MIT */
/*
 * object.h - one ELF file: opened, checked, its build-id, sections and DWARF handle.
 *
 * Only regular files of the host's byte order are opened, and no descriptor stays open: a trace of
 * a program with a thousand modules must not run into the descriptor limit.
 */
#ifndef SYMBOL_OBJECT_H
#define SYMBOL_OBJECT_H

#include <elfutils/libdw.h>
#include <gelf.h>
#include <stddef.h>
#include <stdint.h>

/* An executable section, or an executable segment where there are no section headers. */
struct object_code {
	uint64_t lo;
	uint64_t hi;
};

struct object {
	char *path; /* as opened, for messages and for finding its neighbours */
	Elf *elf;
	Dwarf *dwarf; /* NULL without (readable) .debug_info */
	uint64_t file_bytes;
	const uint8_t *build_id;  /* inside the file's bytes */
	size_t build_id_bytes;    /* 0 if it has none */
	struct object_code *code; /* sorted by address, disjoint */
	size_t code_count;
	void *image; /* of an object from memory */
	size_t image_bytes;
	int image_is_mapped; /* release by munmap rather than free */
};

/*
 * Opens PATH. Returns NULL if it is absent, not a regular file, or not an ELF program, library or
 * split debug file of this byte order.
 */
struct object *object_open(const char *path);

/*
 * The same for an ELF file in memory, called NAME. Takes over IMAGE (also when it fails), to be
 * released by free, or by munmap if IS_MAPPED.
 */
struct object *object_from_memory(const char *name, void *image, size_t image_bytes, int is_mapped);

void object_close(struct object *object);

/* The section called NAME with its header in *HEADER, or NULL. */
Elf_Scn *object_section(const struct object *object, const char *name, GElf_Shdr *header);

/* The bytes of section NAME as in the file, or NULL if it is absent, empty or not in the file. */
Elf_Data *object_section_data(const struct object *object, const char *name);

/* Nonzero if OBJECT's build-id is ID. */
int object_has_build_id(const struct object *object, const uint8_t *id, size_t id_bytes);

/* The code range that holds VADDR, or NULL. */
const struct object_code *object_code_at(const struct object *object, uint64_t vaddr);

#endif
