/* SPDX-License-Identifier: MIT */
/*
 * image.c - see image.h. Layout: ELF header, copied sections, section names, section headers, then
 * on a page of its own the mapped section.
 */
#include "symbol/image.h"

#include <endian.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MOST_SECTIONS    16
#define MOST_NAMES_BYTES 1024

struct layout {
	Elf64_Shdr headers[MOST_SECTIONS + 3]; /* null, the copied ones, the mapped one, the names */
	size_t count;
	char names[MOST_NAMES_BYTES];
	size_t name_bytes;
	uint64_t end; /* of what has been laid out */
};

static uint64_t round_up(uint64_t size, uint64_t to)
{
	return (size + to - 1) / to * to;
}

static void add_section(struct layout *l, const char *name, uint32_t type, uint64_t offset,
			uint64_t size)
{
	size_t bytes = strlen(name) + 1;

	if (bytes > sizeof(l->names) - l->name_bytes)
		return;
	memcpy(l->names + l->name_bytes, name, bytes);
	l->headers[l->count++] = (Elf64_Shdr){
		.sh_name = (Elf64_Word)l->name_bytes,
		.sh_type = type,
		.sh_offset = offset,
		.sh_size = size,
		.sh_addralign = 1,
	};
	l->name_bytes += bytes;
	l->end = offset + size;
}

static void write_header(uint8_t *image, const struct layout *l, uint64_t headers_at)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;

	memcpy(header->e_ident, ELFMAG, SELFMAG);
	header->e_ident[EI_CLASS] = ELFCLASS64;
	header->e_ident[EI_DATA] = __BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
	header->e_ident[EI_VERSION] = EV_CURRENT;
	header->e_version = EV_CURRENT;
	header->e_type = ET_DYN;
	header->e_machine = EM_X86_64; /* only the byte order and the class matter to libdw */
	header->e_ehsize = sizeof(*header);
	header->e_shoff = headers_at;
	header->e_shentsize = sizeof(Elf64_Shdr);
	header->e_shnum = (Elf64_Half)l->count;
	header->e_shstrndx = (Elf64_Half)(l->count - 1);
	memcpy(image + headers_at, l->headers, l->count * sizeof(l->headers[0]));
}

struct object *image_build(const struct image_section *sections, size_t count,
			   const struct image_mapping *mapped)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t skew = mapped ? mapped->offset % page : 0;
	uint64_t mapped_bytes = mapped && mapped->size ? skew + mapped->size : 0;
	uint64_t headers_at, mapped_at, bytes;
	struct layout l = { .count = 1, .name_bytes = 1, .end = sizeof(Elf64_Ehdr) };
	uint8_t *image;
	size_t i;

	if (count > MOST_SECTIONS)
		return NULL;
	for (i = 0; i < count; i++)
		add_section(&l, sections[i].name, SHT_PROGBITS, round_up(l.end, 16),
			    sections[i].size);
	headers_at = round_up(l.end + sizeof(l.names), 16);
	mapped_at = round_up(headers_at + sizeof(l.headers), page);
	bytes = mapped_at + mapped_bytes;
	i = l.end;
	if (mapped_bytes)
		add_section(&l, mapped->name, SHT_PROGBITS, mapped_at + skew, mapped->size);
	add_section(&l, ".shstrtab", SHT_STRTAB, i, sizeof(l.names));

	image = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image == MAP_FAILED)
		return NULL;
	if (mapped_bytes && mmap(image + mapped_at, mapped_bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED,
				 mapped->fd, (off_t)(mapped->offset - skew)) == MAP_FAILED) {
		munmap(image, bytes);
		return NULL;
	}
	for (i = 0; i < count; i++)
		if (sections[i].size)
			memcpy(image + l.headers[i + 1].sh_offset, sections[i].bytes,
			       sections[i].size);
	memcpy(image + l.headers[l.count - 1].sh_offset, l.names, sizeof(l.names));
	write_header(image, &l, headers_at);
	return object_from_memory("split unit", image, bytes, 1);
}
