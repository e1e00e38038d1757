/* SPDX-License-Identifier: MIT */
/*
 * debuginfod.c - see debuginfod.h. The functions are declared here as elfutils documents them,
 * debuginfod_find_debuginfo(3), so that building needs no header of an optional library.
 */
#include "symbol/debuginfod.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/pool.h"

typedef void *begin_function(void);
typedef void end_function(void *client);
typedef int find_function(void *client, const unsigned char *id, int id_bytes, char **path);

static char *hex_of(const uint8_t *id, size_t id_bytes)
{
	static const char digits[] = "0123456789abcdef";
	char *text = xmalloc(2 * id_bytes + 1);
	size_t i;

	for (i = 0; i < id_bytes; i++) {
		text[2 * i] = digits[id[i] >> 4];
		text[2 * i + 1] = digits[id[i] & 15];
	}
	text[2 * id_bytes] = '\0';
	return text;
}

char *debuginfod_cache_path(enum debuginfod_kind kind, const uint8_t *id, size_t id_bytes)
{
	const char *file = kind == DEBUGINFOD_DEBUGINFO ? "debuginfo" : "executable";
	const char *cache = getenv("DEBUGINFOD_CACHE_PATH");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *hex = hex_of(id, id_bytes), *path = NULL;

	if (cache && cache[0])
		path = xasprintf("%s/%s/%s", cache, hex, file);
	else if (xdg && xdg[0])
		path = xasprintf("%s/debuginfod_client/%s/%s", xdg, hex, file);
	else if (home && home[0])
		path = xasprintf("%s/.cache/debuginfod_client/%s/%s", home, hex, file);
	free(hex);
	return path;
}

char *debuginfod_fetch(enum debuginfod_kind kind, const uint8_t *id, size_t id_bytes)
{
	static void *library; /* loaded once and kept */
	begin_function *begin;
	end_function *end;
	find_function *find;
	void *client;
	char *path = NULL;
	int fd;

	if (!library)
		library = dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return NULL;
	begin = (begin_function *)dlsym(library, "debuginfod_begin");
	end = (end_function *)dlsym(library, "debuginfod_end");
	find = (find_function *)dlsym(library, kind == DEBUGINFOD_DEBUGINFO
						       ? "debuginfod_find_debuginfo"
						       : "debuginfod_find_executable");
	client = begin && end && find ? begin() : NULL;
	if (!client)
		return NULL;
	fd = find(client, id, (int)id_bytes, &path);
	end(client);
	if (fd < 0)
		return NULL;
	close(fd);
	return path;
}
