/* SPDX-License-Identifier: MIT */
/*
 * flame_folded.c - see flame_folded.h. The prefix of the walk is kept, so a line costs its length
 * and no more.
 */
#include "out/flame_folded.h"

#include <inttypes.h>
#include <stdlib.h>

#include "util/pool.h"

static void add_name(struct buf *line, const char *name)
{
	for (; *name; name++) {
		if (*name == ';')
			buf_putc(line, ':');
		else
			buf_putc(line, (unsigned char)*name < 0x20 || *name == 0x7F ? '_' : *name);
	}
}

void flame_folded_write(const struct flame *f, struct buf *out)
{
	size_t *ends = xcalloc((size_t)f->deepest + 1,
			       sizeof(*ends)); /* length of the line up to each depth */
	struct buf line;
	uint32_t node;

	buf_init(&line);
	if (f->nodes[FLAME_ROOT].self)
		buf_printf(out, "[no stack] %" PRIu64 "\n", f->nodes[FLAME_ROOT].self);
	for (node = flame_next(f, FLAME_ROOT, 0); node != FLAME_NONE; node = flame_next(f, node, 0)) {
		const struct flame_node *n = &f->nodes[node];

		line.length = ends[n->depth - 1];
		if (n->depth > 1)
			buf_putc(&line, ';');
		add_name(&line, f->labels[n->label].text);
		ends[n->depth] = line.length;
		if (n->self) {
			buf_add(out, line.bytes, line.length);
			buf_printf(out, " %" PRIu64 "\n", n->self);
		}
	}
	buf_free(&line);
	free(ends);
}
