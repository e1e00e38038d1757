/* SPDX-License-Identifier: MIT */
/*
 * object.c - see object.h. libelf maps the file and checks offsets and sizes against it; what is
 * added here is the refusal of things that are not plain files (a FIFO would block, a device could
 * do anything) and bounds on counts.
 */
#include "symbol/object.h"

#include <elfutils/libdwelf.h>
#include <endian.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/pool.h"

#define HOST_ORDER         (__BYTE_ORDER == __LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB)
#define MOST_BUILD_ID      64
#define MOST_CODE_RANGES   65536
#define MOST_SECTIONS      65536
#define MOST_SECTION_NAMES (16u << 20)

/*
 * Section names must end in their section, which must not be huge: libelf looks for the end of each
 * anew, and both libdw and this file ask for all names often.
 */
static int has_sane_sections(Elf *elf)
{
	size_t names, count;
	Elf_Data *data;

	if (elf_getshdrnum(elf, &count) || count > MOST_SECTIONS)
		return 0;
	if (count == 0)
		return 1;
	if (elf_getshdrstrndx(elf, &names))
		return 0;
	data = elf_rawdata(elf_getscn(elf, names), NULL);
	return data && data->d_buf && data->d_size && data->d_size <= MOST_SECTION_NAMES &&
	       ((const char *)data->d_buf)[data->d_size - 1] == '\0';
}

static int is_usable(Elf *elf)
{
	GElf_Ehdr header;
	const char *ident = elf_getident(elf, NULL);

	/* ET_REL: a .dwo or .dwp. */
	return elf_kind(elf) == ELF_K_ELF && ident && ident[EI_DATA] == HOST_ORDER &&
	       gelf_getehdr(elf, &header) &&
	       (header.e_type == ET_DYN || header.e_type == ET_EXEC || header.e_type == ET_REL) &&
	       has_sane_sections(elf);
}

Elf_Scn *object_section(const struct object *o, const char *name, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;
	size_t names;

	if (elf_getshdrstrndx(o->elf, &names))
		return NULL;
	while ((section = elf_nextscn(o->elf, section))) {
		const char *found;

		if (!gelf_getshdr(section, header))
			continue;
		found = elf_strptr(o->elf, names, header->sh_name);
		if (found && strcmp(found, name) == 0)
			return section;
	}
	return NULL;
}

Elf_Data *object_section_data(const struct object *o, const char *name)
{
	GElf_Shdr header;
	Elf_Scn *section = object_section(o, name, &header);
	Elf_Data *data;

	if (!section || header.sh_type == SHT_NOBITS)
		return NULL;
	data = elf_rawdata(section, NULL);
	return data && data->d_buf && data->d_size ? data : NULL;
}

static void set_build_id(struct object *o, const void *id, size_t bytes)
{
	if (bytes == 0 || bytes > MOST_BUILD_ID)
		return;
	o->build_id = id;
	o->build_id_bytes = bytes;
}

/*
 * Sections first: in a file made by `strip --only-keep-debug` the program headers still have the
 * offsets of the original file, where other bytes are now.
 */
static void find_build_id(struct object *o)
{
	Elf_Data *data = object_section_data(o, ".note.gnu.build-id");
	const void *id;
	ssize_t bytes;

	if (data) {
		size_t offset = 0, name_at, desc_at;
		GElf_Nhdr note;

		while ((offset = gelf_getnote(data, offset, &note, &name_at, &desc_at))) {
			if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
			    memcmp((char *)data->d_buf + name_at, "GNU", 4) == 0) {
				set_build_id(o, (uint8_t *)data->d_buf + desc_at, note.n_descsz);
				return;
			}
		}
	}
	bytes = dwelf_elf_gnu_build_id(o->elf, &id);
	if (bytes > 0)
		set_build_id(o, id, (size_t)bytes);
}

static void add_code(struct object *o, size_t *capacity, uint64_t addr, uint64_t bytes)
{
	if (bytes == 0 || addr + bytes < addr || o->code_count == MOST_CODE_RANGES)
		return;
	o->code = pool_grow(o->code, capacity, o->code_count + 1, sizeof(*o->code));
	o->code[o->code_count++] = (struct object_code){ addr, addr + bytes };
}

static int by_address(const void *a, const void *b)
{
	const struct object_code *x = a, *y = b;

	if (x->lo != y->lo)
		return x->lo < y->lo ? -1 : 1;
	return x->hi < y->hi ? -1 : x->hi > y->hi;
}

static void find_code(struct object *o)
{
	Elf_Scn *section = NULL;
	size_t capacity = 0, headers = 0, i, kept;
	GElf_Shdr shdr;
	GElf_Phdr phdr;

	while ((section = elf_nextscn(o->elf, section)))
		if (gelf_getshdr(section, &shdr) && (shdr.sh_flags & SHF_EXECINSTR) &&
		    (shdr.sh_flags & SHF_ALLOC))
			add_code(o, &capacity, shdr.sh_addr, shdr.sh_size);
	if (o->code_count == 0 && elf_getphdrnum(o->elf, &headers) == 0)
		for (i = 0; i < headers; i++)
			if (gelf_getphdr(o->elf, (int)i, &phdr) && phdr.p_type == PT_LOAD &&
			    (phdr.p_flags & PF_X))
				add_code(o, &capacity, phdr.p_vaddr, phdr.p_memsz);
	if (o->code_count == 0)
		return;
	qsort(o->code, o->code_count, sizeof(*o->code), by_address);
	for (i = 1, kept = 1; i < o->code_count; i++)
		if (o->code[i].lo >= o->code[kept - 1].hi)
			o->code[kept++] = o->code[i];
	o->code_count = kept;
}

const struct object_code *object_code_at(const struct object *o, uint64_t vaddr)
{
	size_t low = 0, high = o->code_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->code[middle].lo <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low && vaddr < o->code[low - 1].hi ? &o->code[low - 1] : NULL;
}

static int has_debug_info(const struct object *o)
{
	return object_section_data(o, ".debug_info") || object_section_data(o, ".zdebug_info") ||
	       object_section_data(o, ".debug_info.dwo");
}

/* Completes an object whose elf is open. Returns O, or NULL with everything released. */
static struct object *complete(struct object *o)
{
	if (!o->elf || !is_usable(o->elf)) {
		object_close(o);
		return NULL;
	}
	find_build_id(o);
	find_code(o);
	if (has_debug_info(o))
		o->dwarf = dwarf_begin_elf(o->elf, DWARF_C_READ, NULL);
	return o;
}

struct object *object_open(const char *path)
{
	struct object *o;
	struct stat status;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) || !S_ISREG(status.st_mode) ||
	    status.st_size < (off_t)sizeof(Elf32_Ehdr)) {
		close(fd);
		return NULL;
	}
	o = xcalloc(1, sizeof(*o));
	o->path = xstrdup(path);
	o->file_bytes = (uint64_t)status.st_size;
	o->elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	o = complete(o);
	/*
	 * From here on the mapping is used; libdw has noted where the file lies, for .dwo files
	 * beside it.
	 */
	if (o && elf_cntl(o->elf, ELF_C_FDREAD)) {
		object_close(o);
		o = NULL;
	}
	close(fd);
	return o;
}

struct object *object_from_memory(const char *name, void *image, size_t image_bytes, int is_mapped)
{
	struct object *o = xcalloc(1, sizeof(*o));

	o->path = xstrdup(name);
	o->image = image;
	o->image_bytes = image_bytes;
	o->image_is_mapped = is_mapped;
	o->file_bytes = image_bytes;
	o->elf = elf_memory(image, image_bytes);
	return complete(o);
}

void object_close(struct object *o)
{
	if (!o)
		return;
	if (o->dwarf)
		dwarf_end(o->dwarf);
	if (o->elf)
		elf_end(o->elf);
	if (o->image && o->image_is_mapped)
		munmap(o->image, o->image_bytes);
	else
		free(o->image);
	free(o->code);
	free(o->path);
	free(o);
}

int object_has_build_id(const struct object *o, const uint8_t *id, size_t id_bytes)
{
	return id_bytes && o->build_id_bytes == id_bytes && memcmp(o->build_id, id, id_bytes) == 0;
}
