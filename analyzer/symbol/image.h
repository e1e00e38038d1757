/* SPDX-License-Identifier: MIT */
/*
 * image.h - builds a small ELF file in memory out of sections of other files, for libdw to read.
 */
#ifndef SYMBOL_IMAGE_H
#define SYMBOL_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "symbol/object.h"

struct image_section {
	const char *name;
	const uint8_t *bytes;
	uint64_t size;
};

/* A part of a file that becomes a section without being copied. */
struct image_mapping {
	const char *name;
	int fd;
	uint64_t offset;
	uint64_t size; /* 0: the section is empty */
};

/*
 * An object with copies of SECTIONS and, behind them, MAPPED (may be NULL). A mapped section costs
 * address space only: the string section of a large package is shared by thousands of images.
 * Returns NULL if it cannot be mapped.
 */
struct object *image_build(const struct image_section *sections, size_t count,
			   const struct image_mapping *mapped);

#endif
