/* SPDX-License-Identifier: MIT */
/*
 * config.h - the SHIM_* settings: one table, read once per program image.
 */
#ifndef PRELOAD_CONFIG_H
#define PRELOAD_CONFIG_H

#include <stdint.h>

#define CONFIG_EVENT_HEAP 0x1u
#define CONFIG_EVENT_MMAP 0x2u

struct config {
	const char *output; /* pattern, made absolute */
	const char *log;    /* NULL: not a word */
	uint32_t events;    /* CONFIG_EVENT_* */
	uint32_t depth;
	uint64_t sample_bytes;    /* mean distance of the sample; 0: everything is recorded */
	uint64_t max_trace_bytes; /* of the trace file; 0: no limit */
	uint32_t is_start_on;
	uint32_t is_children_on;
	int signal; /* 0: none */
};

/* Read-only after config_read(). */
extern struct config config;

/*
 * Reads the environment. A bad value is reported through config_problems and its default
 * used. Context: start-up only.
 */
void config_read(char **environment);

/* Calls SINK with one line per bad value found by config_read. Context: start-up only. */
void config_problems(void (*sink)(const char *line));

/*
 * Calls SINK with NAME and VALUE of each SHIM_ setting that the user gave. Context:
 * start-up only.
 */
void config_each(void (*sink)(void *context, const char *name, const char *value), void *context);

#endif
