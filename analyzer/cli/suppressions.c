/* SPDX-License-Identifier: MIT */
/*
 * suppressions.c - see suppressions.h.
 *
 * Built-in entries are narrower than a file's can be: they look at one place of the stack, not at
 * all of it. "The block was asked for by ld.so itself" must not take out what a static constructor
 * leaks, though ld.so is on its stack too.
 */
#include "cli/suppressions.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/pool.h"

#define FILE_MOST_BYTES (16u << 20)

enum place {
	INNERMOST,        /* the frame that called the allocator is in module */
	INNERMOST_CALLED, /* the same, and the frame around it is in the module `caller` */
	ANY,              /* some frame is the function, in module */
};

struct builtin {
	const char *name;
	enum place place;
	const char *module;   /* pattern */
	const char *function; /* patterns with '|' between them, NULL: any */
	const char *caller;   /* pattern of a module */
	const char *reason;
};

static const struct builtin builtin_list[] = {
#define LIBC "/libc.so.6$"
#define SUPPRESS(name, place, module, function, caller, reason) \
	{ name, place, module, function, caller, reason },
#include "cli/suppressions.def"
#undef SUPPRESS
};

#define BUILTIN_COUNT (sizeof(builtin_list) / sizeof(builtin_list[0]))

struct suppressions *suppressions_new(void)
{
	struct suppressions *s = xcalloc(1, sizeof(*s));

	s->texts = pool_new();
	return s;
}

void suppressions_delete(struct suppressions *s)
{
	if (!s)
		return;
	pool_delete(s->texts);
	map_free(&s->answers);
	free(s->items);
	free(s);
}

static struct suppression *add_item(struct suppressions *s)
{
	struct suppression *item;

	s->items = pool_grow(s->items, &s->capacity, s->count + 1, sizeof(*s->items));
	item = &s->items[s->count++];
	memset(item, 0, sizeof(*item));
	return item;
}

static int is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

int suppressions_parse(struct suppressions *s, const char *name, const char *text, size_t length,
		       struct diag *d)
{
	const char *at = text, *end = text + length;
	unsigned line = 0;

	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at)),
			   *next = stop ? stop + 1 : end;
		struct suppression *item;

		line++;
		stop = stop ? stop : end;
		while (at < stop && is_blank(*at))
			at++;
		while (stop > at && is_blank(stop[-1]))
			stop--;
		if (at < stop && *at != '#') {
			if (stop - at <= 5 || memcmp(at, "leak:", 5) != 0 ||
			    memchr(at, '\0', (size_t)(stop - at)))
				return diag_set(d, name, DIAG_NO_OFFSET,
						"line %u: not a suppression; write leak:PATTERN",
						line);
			item = add_item(s);
			item->name = pool_strndup(s->texts, at, (size_t)(stop - at));
			item->pattern = item->name + 5;
		}
		at = next;
	}
	return 0;
}

int suppressions_load(struct suppressions *s, const char *path, struct diag *d)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;
	char *text = NULL;
	size_t length = 0, capacity = 0;
	ssize_t n;

	if (fd < 0)
		return diag_set(d, path, DIAG_NO_OFFSET, "cannot open: %s", strerror(errno));
	do {
		text = pool_grow(text, &capacity, length + 65536, 1);
		n = read(fd, text + length, 65536);
		if (n > 0)
			length += (size_t)n;
	} while ((n > 0 && length <= FILE_MOST_BYTES) || (n < 0 && errno == EINTR));
	if (n < 0)
		diag_set(d, path, DIAG_NO_OFFSET, "cannot read: %s", strerror(errno));
	else if (length > FILE_MOST_BYTES)
		diag_set(d, path, DIAG_NO_OFFSET, "larger than 16 MiB: not a list of suppressions");
	else
		result = suppressions_parse(s, path, text, length, d);
	free(text);
	close(fd);
	return result;
}

void suppressions_add_builtin(struct suppressions *s)
{
	size_t i;

	for (i = 0; i < BUILTIN_COUNT; i++) {
		struct suppression *item = add_item(s);

		item->name = builtin_list[i].name;
		item->reason = builtin_list[i].reason;
		item->builtin = (int)i;
	}
}

/* Where PATTERN[LENGTH], without any sign, first stands in TEXT; NULL if nowhere. */
static const char *find_part(const char *text, const char *pattern, size_t length)
{
	return memmem(text, strlen(text), pattern, length);
}

/*
 * Matches the parts between the stars one after the other; the first match of each leaves most room
 * for the rest.
 */
static int match_parts(const char *pattern, size_t length, const char *text, int bound_start,
		       int bound_end)
{
	const char *end = pattern + length;

	for (;;) {
		const char *star = memchr(pattern, '*', (size_t)(end - pattern));
		size_t part = (size_t)((star ? star : end) - pattern);

		if (!star && bound_end) {
			size_t left = strlen(text);

			if (left < part || (bound_start && left != part))
				return 0;
			return memcmp(text + left - part, pattern, part) == 0;
		}
		if (bound_start) {
			if (strncmp(text, pattern, part) != 0)
				return 0;
		} else {
			text = find_part(text, pattern, part);
			if (!text)
				return 0;
		}
		if (!star)
			return 1;
		text += part;
		pattern = star + 1;
		bound_start = 0;
	}
}

int suppressions_match(const char *pattern, const char *text)
{
	size_t length = strlen(pattern);
	int bound_start = pattern[0] == '^', bound_end;

	if (!text || length == 0)
		return 0;
	pattern += bound_start;
	length -= (size_t)bound_start;
	bound_end = length > 0 && pattern[length - 1] == '$';
	return match_parts(pattern, length - (size_t)bound_end, text, bound_start, bound_end);
}

/* As suppressions_match, for "PATTERN|PATTERN…"; no list matches everything. */
static int match_list(const char *list, const char *text)
{
	char pattern[256];

	while (list) {
		size_t length = strcspn(list, "|");

		if (length < sizeof(pattern)) {
			memcpy(pattern, list, length);
			pattern[length] = '\0';
			if (suppressions_match(pattern, text))
				return 1;
		}
		if (!list[length])
			return 0;
		list += length + 1;
	}
	return 1;
}

/* What the built-in entry B, which looks at the innermost frame, says to the stack. */
static int match_innermost(const struct builtin *b, const struct suppressions_frame *frames,
			   size_t count)
{
	if (count == 0 || !suppressions_match(b->module, frames[0].module) ||
	    !match_list(b->function, frames[0].function))
		return 0;
	return b->place == INNERMOST ||
	       (count > 1 && suppressions_match(b->caller, frames[1].module));
}

/* Does ITEM, if it is one that looks at all frames, match F? */
static int match_frame(const struct suppression *item, const struct suppressions_frame *f)
{
	const struct builtin *b;

	if (item->pattern)
		return suppressions_match(item->pattern, f->function) ||
		       suppressions_match(item->pattern, f->file) ||
		       suppressions_match(item->pattern, f->module);
	b = &builtin_list[item->builtin];
	return b->place == ANY && suppressions_match(b->module, f->module) &&
	       match_list(b->function, f->function);
}

/* Index of the first entry that matches frame F wherever it stands; s->count if none does. */
static size_t first_match(struct suppressions *s, const struct suppressions_frame *f)
{
	const uint64_t *known = f->id ? map_find(&s->answers, (uintptr_t)f->id) : NULL;
	size_t i;

	if (known)
		return *known;
	for (i = 0; i < s->count; i++)
		if (match_frame(&s->items[i], f))
			break;
	if (f->id)
		*map_put(&s->answers, (uintptr_t)f->id, NULL) = i;
	return i;
}

struct suppression *suppressions_find(struct suppressions *s,
				      const struct suppressions_frame *frames, size_t count)
{
	size_t best = s->count, i;

	for (i = 0; i < count; i++) {
		size_t found = first_match(s, &frames[i]);

		if (found < best)
			best = found;
	}
	for (i = 0; i < best; i++)
		if (!s->items[i].pattern && builtin_list[s->items[i].builtin].place != ANY &&
		    match_innermost(&builtin_list[s->items[i].builtin], frames, count))
			best = i;
	return best < s->count ? &s->items[best] : NULL;
}
