/* SPDX-License-Identifier: MIT */
/*
 * perfmap.c - see perfmap.h. A JIT compiler reuses memory and only ever appends, so later lines
 * win.
 */
#include "symbol/perfmap.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbol/interval.h"
#include "util/pool.h"

#define MOST_FILE_BYTES (512u << 20)
#define MOST_NAME_BYTES (16u << 10)

struct perfmap_entry {
	uint64_t start;
	const char *name; /* in text */
};

struct perfmap {
	char *text;
	struct perfmap_entry *entries;
	size_t count;
	size_t capacity;
	struct interval_index index;
};

static char *read_file(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	struct stat status;
	char *text = NULL;
	ssize_t got = 1;

	*length = 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= MOST_FILE_BYTES) {
		size_t size = (size_t)status.st_size;

		text = xmalloc(size + 1);
		while (*length < size && (got = read(fd, text + *length, size - *length)) > 0)
			*length += (size_t)got;
		text[*length] = '\0';
	}
	close(fd);
	return text;
}

/*
 * Reads a hexadecimal number, with or without 0x, that a space follows. Returns what is behind it,
 * or NULL.
 */
static char *hex_number(char *text, uint64_t *value)
{
	char *end;

	if (*text == '-' || *text == '+' || *text == ' ')
		return NULL;
	*value = strtoull(text, &end, 16);
	return end != text && *end == ' ' ? end + 1 : NULL;
}

static void add_line(struct perfmap *map, struct interval_list *list, char *line)
{
	uint64_t start, size;
	char *name = hex_number(line, &start);

	name = name ? hex_number(name, &size) : NULL;
	if (!name || !name[0] || start + size < start || map->count >= INTERVAL_NONE ||
	    strnlen(name, MOST_NAME_BYTES) == MOST_NAME_BYTES)
		return;
	map->entries = pool_grow(map->entries, &map->capacity, map->count + 1, sizeof(*map->entries));
	map->entries[map->count] = (struct perfmap_entry){ start, name };
	interval_add(list, start, start + size, (uint32_t)map->count, (uint32_t)map->count);
	map->count++;
}

struct perfmap *perfmap_open(const char *path)
{
	struct interval_list list = { 0 };
	struct perfmap *map;
	size_t length;
	char *text = read_file(path, &length), *line, *end;

	if (!text)
		return NULL;
	map = xcalloc(1, sizeof(*map));
	map->text = text;
	for (line = text; line < text + length; line = end + 1) {
		end = memchr(line, '\n', (size_t)(text + length - line));
		if (!end)
			end = text + length;
		*end = '\0';
		add_line(map, &list, line);
	}
	interval_build(&map->index, &list);
	interval_list_free(&list);
	if (map->count)
		return map;
	perfmap_delete(map);
	return NULL;
}

void perfmap_delete(struct perfmap *map)
{
	if (!map)
		return;
	interval_free(&map->index);
	free(map->entries);
	free(map->text);
	free(map);
}

const char *perfmap_find(const struct perfmap *map, uint64_t pc, uint64_t *start)
{
	uint32_t entry = interval_find(&map->index, pc);

	if (entry == INTERVAL_NONE)
		return NULL;
	*start = map->entries[entry].start;
	return map->entries[entry].name;
}
