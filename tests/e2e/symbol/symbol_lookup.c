/* SPDX-License-Identifier: MIT */
/*
 * symbol_lookup.c - test driver: names the addresses read from standard input (hexadecimal, one a
 * line) in one ELF file, in llvm-symbolizer's output style: "function", "file:line" for each frame,
 * an empty line after each address.
 *
 *	symbol_lookup [-l] [-b HEX-BUILD-ID] [-r SYSROOT] [-d DEBUG-PATH]... [-p PID] [-n] [-s] ELF
 *
 * -l prints linkage names where there are any, -p looks addresses up as outside of all modules, -n
 * lets debuginfod's servers be asked, -s prints only the number of addresses and frames (for timing).
 * Notes go to standard error.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbol/symbolize.h"

#define MOST_DEBUG_PATHS 16

static size_t parse_hex(const char *text, uint8_t *bytes, size_t most)
{
	size_t count = 0;
	unsigned int byte;

	while (count < most && sscanf(text + 2 * count, "%2x", &byte) == 1)
		bytes[count++] = (uint8_t)byte;
	return count;
}

static void print_frames(const struct symbol_frame *frames, size_t count, int linkage)
{
	size_t i;

	for (i = 0; i < count; i++) {
		const struct symbol_frame *f = &frames[i];

		puts(linkage && f->linkage_name ? f->linkage_name : f->function);
		printf("%s:%" PRIu32 "\n", f->file ? f->file : "??", f->line);
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	const char *debug_paths[MOST_DEBUG_PATHS];
	struct symbol_options options = { .debug_paths = debug_paths };
	struct symbol_module module = { 0 };
	int linkage = 0, silent = 0, option, handle;
	size_t addresses = 0, frames_seen = 0, i;
	struct symbolizer *symbolizer;
	uint8_t id[64];
	char line[64];

	while ((option = getopt(argc, argv, "lsnb:r:d:p:")) != -1) {
		if (option == 'l')
			linkage = 1;
		else if (option == 's')
			silent = 1;
		else if (option == 'n')
			options.debuginfod = 1;
		else if (option == 'b')
			module = (struct symbol_module){ NULL, id, parse_hex(optarg, id, sizeof(id)) };
		else if (option == 'r')
			options.sysroot = optarg;
		else if (option == 'd' && options.debug_path_count < MOST_DEBUG_PATHS)
			debug_paths[options.debug_path_count++] = optarg;
		else if (option == 'p')
			options.pid = (uint32_t)strtoul(optarg, NULL, 10);
		else
			return 1;
	}
	if (optind + 1 != argc)
		return 1;
	module.path = argv[optind];
	symbolizer = symbolizer_new(&options);
	handle = options.pid ? -1 : symbolizer_module(symbolizer, &module);
	while (fgets(line, sizeof(line), stdin)) {
		const struct symbol_frame *frames;
		size_t count = symbolizer_lookup(symbolizer, handle, strtoull(line, NULL, 16),
						 &frames);

		addresses++;
		frames_seen += count;
		if (!silent)
			print_frames(frames, count, linkage);
	}
	if (silent)
		printf("%zu addresses, %zu frames\n", addresses, frames_seen);
	for (i = 0; i < symbolizer_note_count(symbolizer); i++)
		fprintf(stderr, "note: %s\n", symbolizer_note(symbolizer, i));
	symbolizer_delete(symbolizer);
	return 0;
}
