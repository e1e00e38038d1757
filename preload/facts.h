/* SPDX-License-Identifier: MIT */
/*
 * facts.h - key=value facts of the header and footer: who runs, on what machine, with which
 * settings.
 */
#ifndef PRELOAD_FACTS_H
#define PRELOAD_FACTS_H

#include <stddef.h>
#include <stdint.h>

/* A growing list in caller's memory; what does not fit is left out. */
struct facts {
	uint8_t *at;
	uint8_t *end;
};

void facts_put(struct facts *f, const char *key, const char *value);
void facts_put_bytes(struct facts *f, const char *key, const char *value, size_t length);
void facts_put_number(struct facts *f, const char *key, uint64_t value);

/* Everything known at the start (docs/trace-format.md, 1.1). Context: start-up only. */
void facts_of_start(struct facts *f);

/* Short name of the program, safe in a file name; into OUT. Context: start-up only. */
void facts_program(char *out, size_t size);
void facts_host(char *out, size_t size);

#endif
