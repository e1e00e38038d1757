/* SPDX-License-Identifier: MIT */
/*
 * fields.h - key/value fields of a header or footer frame. Values are bytes: the command holds
 * NULs. Parsing is bounded by SHIM_FACTS_MAX_BYTES and never trusts a length.
 */
#ifndef TRACE_FIELDS_H
#define TRACE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "util/diag.h"

struct field {
	const char *key;   /* terminated */
	const char *value; /* terminated behind its length */
	size_t length;     /* of the value */
};

struct fields {
	uint64_t run_id;
	struct field *items; /* in file order */
	size_t count;
	char *text; /* private: what the items point into */
};

/*
 * Reads the payload of a header or footer frame (MAGIC: SHIM_HEADER_MAGIC or SHIM_FOOTER_MAGIC),
 * TAIL_BYTES at its end left out. Returns 0, or -1 with D (where NAME, offset OFFSET): wrong magic,
 * other version, CRC, cut field. On -1 after the CRC check (a cut field) what was readable is kept.
 * fields_free either way.
 */
int fields_parse(struct fields *f, const void *payload, size_t bytes, size_t tail_bytes,
		 const char *magic, const char *name, uint64_t offset, struct diag *d);
void fields_free(struct fields *f);

/* The value of KEY as text, or NULL. F may be NULL. */
const char *fields_text(const struct fields *f, const char *key);
/* The fact of KEY, or NULL. F may be NULL. */
const struct field *fields_find(const struct fields *f, const char *key);
/* The decimal value of KEY, or OTHERWISE when it is absent or no number. F may be NULL. */
uint64_t fields_number(const struct fields *f, const char *key, uint64_t otherwise);

#endif
