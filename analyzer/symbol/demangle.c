/* SPDX-License-Identifier: MIT */
/*
 * demangle.c - see demangle.h. libiberty's _callback forms write in pieces and need no heap, so an
 * output that grows without end (a few bytes of nested substitutions can describe terabytes) is
 * left by longjmp out of the callback.
 */
#include "symbol/demangle.h"

#include <ctype.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <libiberty/demangle.h>

#include "util/map.h"
#include "util/pool.h"

/*
 * libiberty refuses C++ names over 1024 characters unless told to recurse without limit; real
 * template code has longer ones. Those are tried on a stack that holds the deepest recursion that
 * LONG_NAME_BYTES characters can ask for.
 */
#define SHORT_NAME_BYTES  1024
#define LONG_NAME_BYTES   (16u << 10)
#define LONG_STACK_BYTES  (64u << 20)
#define MOST_OUTPUT_BYTES (64u << 10)

struct known_name {
	const char *mangled;
	const char *readable;
	struct known_name *next; /* same hash */
};

struct demangler {
	struct map names; /* hash of the mangled name -> struct known_name */
	struct pool *pool;
	char *output; /* MOST_OUTPUT_BYTES */
	size_t length;
	jmp_buf too_long;
	const char *input; /* of the thread with the large stack */
	int done;
};

struct demangler *demangler_new(void)
{
	struct demangler *d = xcalloc(1, sizeof(*d));

	d->pool = pool_new();
	d->output = xmalloc(MOST_OUTPUT_BYTES);
	return d;
}

void demangler_delete(struct demangler *d)
{
	if (!d)
		return;
	map_free(&d->names);
	pool_delete(d->pool);
	free(d->output);
	free(d);
}

int demangle_is_mangled(const char *name)
{
	if (name[0] == '_' && (name[1] == 'Z' || name[1] == 'R'))
		return 1;
	return name[0] == '_' && name[1] == 'D' &&
	       (isdigit((unsigned char)name[2]) || !strcmp(name + 2, "main"));
}

static void take(const char *piece, size_t length, void *opaque)
{
	struct demangler *d = opaque;

	if (length >= MOST_OUTPUT_BYTES - d->length)
		longjmp(d->too_long, 1);
	if (length)
		memcpy(d->output + d->length, piece, length);
	d->length += length;
}

/*
 * Legacy Rust names end in a hash that tells crate versions apart and makes equal functions look
 * different.
 */
static void strip_rust_hash(struct demangler *d)
{
	size_t i;

	if (d->length < 19 || memcmp(d->output + d->length - 19, "::h", 3) != 0)
		return;
	for (i = d->length - 16; i < d->length; i++)
		if (!isxdigit((unsigned char)d->output[i]))
			return;
	d->length -= 19;
}

static int demangle_d(struct demangler *d, const char *name)
{
	char *text = dlang_demangle(name, DMGL_PARAMS);
	size_t length = text ? strlen(text) : 0;

	if (length >= MOST_OUTPUT_BYTES)
		length = 0;
	if (length)
		memcpy(d->output, text, length);
	d->length = length;
	free(text);
	return length > 0;
}

/*
 * Demangles NAME into d->output. Returns 1, or 0 if it is not a valid mangled name or its output is
 * too long.
 */
static int demangle_now(struct demangler *d, const char *name, int options)
{
	d->length = 0;
	if (setjmp(d->too_long))
		return 0;
	if (name[1] == 'D')
		return demangle_d(d, name);
	if (rust_demangle_callback(name, options, take, d)) {
		strip_rust_hash(d);
		return 1;
	}
	d->length = 0;
	return cplus_demangle_v3_callback(name, options | DMGL_PARAMS | DMGL_ANSI, take, d);
}

static void *demangle_long(void *argument)
{
	struct demangler *d = argument;

	d->done = demangle_now(d, d->input, DMGL_NO_RECURSE_LIMIT);
	return NULL;
}

static int on_large_stack(struct demangler *d, const char *name)
{
	pthread_attr_t attributes;
	pthread_t thread;
	int made;

	d->input = name;
	d->done = 0;
	if (pthread_attr_init(&attributes))
		return 0;
	made = !pthread_attr_setstacksize(&attributes, LONG_STACK_BYTES) &&
	       !pthread_create(&thread, &attributes, demangle_long, d);
	pthread_attr_destroy(&attributes);
	if (made)
		pthread_join(thread, NULL);
	return d->done;
}

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	while (*text)
		hash = (hash ^ (unsigned char)*text++) * UINT64_C(0x100000001b3);
	return hash;
}

const char *demangle_name(struct demangler *d, const char *name)
{
	struct known_name *known;
	uint64_t *slot;
	size_t length;
	int done;

	if (!demangle_is_mangled(name))
		return name;
	length = strnlen(name, LONG_NAME_BYTES);
	if (length == LONG_NAME_BYTES)
		return name;
	slot = map_put(&d->names, hash_of(name), NULL);
	for (known = (struct known_name *)(uintptr_t)*slot; known; known = known->next)
		if (strcmp(known->mangled, name) == 0)
			return known->readable;
	if (length < SHORT_NAME_BYTES)
		done = demangle_now(d, name, 0);
	else
		done = on_large_stack(d, name);
	known = pool_alloc(d->pool, sizeof(*known));
	known->mangled = pool_strndup(d->pool, name, length);
	known->readable = done && d->length ? pool_strndup(d->pool, d->output, d->length)
					    : known->mangled;
	known->next = (struct known_name *)(uintptr_t)*slot;
	*slot = (uintptr_t)known;
	return known->readable;
}
