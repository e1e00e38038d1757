/* SPDX-License-Identifier: MIT */
/*
 * flame_html.c - see flame_html.h.
 *
 * The page's data is one JSON object: title, subtitle, unit, about, cost, modules [name…], labels [[text,
 * module index]…] and the nodes in preorder as three columns: depth (root 0), label, self. For the
 * small ones of one caller stands a node with label -1 - N, where N is their number. Totals are
 * summed up in the page.
 */
#include "out/flame_html.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "out/html_assets.h"
#include "out/emit.h"
#include "util/map.h"
#include "util/pool.h"

#define HTML_RESOLUTION 200000

struct columns {
	struct buf depth, label, self;
};

static int is_small(const struct flame *f, const struct flame_node *n)
{
	return n->total < f->nodes[FLAME_ROOT].total / HTML_RESOLUTION;
}

static void add_row(struct columns *c, uint32_t depth, int64_t label, uint64_t self)
{
	const char *comma = c->depth.length ? "," : "";

	buf_printf(&c->depth, "%s%" PRIu32, comma, depth);
	buf_printf(&c->label, "%s%" PRId64, comma, label);
	buf_printf(&c->self, "%s%" PRIu64, comma, self);
}

/* One row for all children of NODE that are too small for one each. */
static void add_small(const struct flame *f, uint32_t node, struct columns *c)
{
	uint64_t total = 0;
	int64_t count = 0;
	uint32_t child;

	for (child = f->nodes[node].first; child != FLAME_NONE; child = f->nodes[child].next) {
		if (!is_small(f, &f->nodes[child]))
			continue;
		total += f->nodes[child].total;
		count++;
	}
	if (count)
		add_row(c, f->nodes[node].depth + 1, -1 - count, total);
}

/* LABELS[l] becomes 1 + the page's number of label l, in order of first use. */
static void add_nodes(const struct flame *f, struct columns *c, uint32_t *labels, uint32_t *order,
		      uint32_t *label_count)
{
	uint32_t node = FLAME_ROOT;

	while (node != FLAME_NONE) {
		const struct flame_node *n = &f->nodes[node];
		int small = node != FLAME_ROOT && is_small(f, n);

		if (!small) {
			int64_t label = -1;

			if (n->label != FLAME_NONE) {
				if (!labels[n->label]) {
					order[*label_count] = n->label;
					labels[n->label] = ++*label_count;
				}
				label = labels[n->label] - 1;
			}
			add_row(c, n->depth, label, n->self);
			add_small(f, node, c);
		}
		node = flame_next(f, node, small);
	}
}

static void add_labels(const struct flame *f, const uint32_t *order, uint32_t count, struct emit *j)
{
	struct map seen = { 0 };
	uint32_t *modules = xcalloc((size_t)count + 1, sizeof(*modules));
	uint32_t module_count = 0, i;

	emit_begin_flat_array(j, "labels");
	for (i = 0; i < count; i++) {
		const struct flame_label *label = &f->labels[order[i]];
		int is_new;
		uint64_t *slot = map_put(&seen, flame_hash(label->module), &is_new);

		if (is_new) {
			*slot = module_count;
			modules[module_count++] = order[i];
		}
		emit_begin_flat_array(j, NULL);
		emit_string(j, NULL, label->text);
		emit_uint(j, NULL, *slot);
		emit_end(j);
	}
	emit_end(j);
	emit_begin_flat_array(j, "modules");
	for (i = 0; i < module_count; i++)
		emit_string(j, NULL, f->labels[modules[i]].module);
	emit_end(j);
	map_free(&seen);
	free(modules);
}

static void add_column(struct buf *data, const char *name, struct buf *column)
{
	buf_printf(data, ",\n\"%s\": [", name);
	buf_add(data, column->bytes, column->length);
	buf_putc(data, ']');
	buf_free(column);
}

static void make_data(const struct flame *f, const struct flame_view *view, struct buf *data)
{
	uint32_t *labels = xcalloc(f->label_count + 1, sizeof(*labels));
	uint32_t *order = xcalloc(f->label_count + 1, sizeof(*order));
	uint32_t label_count = 0;
	struct columns c;
	struct emit j;

	buf_init(&c.depth);
	buf_init(&c.label);
	buf_init(&c.self);
	add_nodes(f, &c, labels, order, &label_count);
	emit_init(&j, data);
	emit_begin_object(&j, NULL);
	emit_string(&j, "title", view->title);
	emit_string(&j, "subtitle", view->subtitle);
	emit_string(&j, "unit", view->unit);
	emit_string(&j, "about", view->is_estimate ? "~" : "");
	emit_string(&j, "cost", view->cost);
	add_labels(f, order, label_count, &j);
	emit_end(&j);
	data->length -= strlen("\n}\n"); /* reopened for the columns, which come ready-made */
	add_column(data, "depth", &c.depth);
	add_column(data, "label", &c.label);
	add_column(data, "self", &c.self);
	buf_puts(data, "}\n");
	free(labels);
	free(order);
}

static void add_base64(struct buf *out, const unsigned char *bytes, size_t length)
{
	static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t three = (uint32_t)bytes[i] << 16 |
				 (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
				 (left > 2 ? bytes[i + 2] : 0);
		char four[4] = { digit[three >> 18], digit[three >> 12 & 63],
				 digit[three >> 6 & 63], digit[three & 63] };

		if (left < 3)
			four[3] = '=';
		if (left < 2)
			four[2] = '=';
		buf_add(out, four, 4);
	}
}

static void add_data(const struct flame *f, const struct flame_view *view, struct buf *out)
{
	struct buf data;
	unsigned char *packed;
	uLongf packed_length;

	buf_init(&data);
	make_data(f, view, &data);
	packed_length = compressBound((uLong)data.length);
	packed = xmalloc(packed_length);
	if (compress2(packed, &packed_length, (const Bytef *)data.bytes, (uLong)data.length, 6) ==
	    Z_OK)
		add_base64(out, packed, packed_length);
	free(packed);
	buf_free(&data);
}

static void add_markup(struct buf *out, const char *text)
{
	size_t length = strlen(text), at = 0;

	while (at < length) {
		int n = emit_utf8_length(text + at, length - at);
		unsigned char c = (unsigned char)text[at];

		if (c == '<' || c == '>' || c == '&' || c == '"')
			buf_printf(out, "&#%d;", c);
		else if (n == 0 || c < 0x20)
			buf_putc(out, ' ');
		else
			buf_add(out, text + at, (size_t)n);
		at += n ? (size_t)n : 1;
	}
}

static void add_asset(struct buf *out, enum html_asset_id id)
{
	struct html_asset asset = html_asset(id);

	buf_add(out, asset.bytes, asset.length);
}

/*
 * Puts what the word between two '@' at AT names to OUT; returns the length of the word with its
 * signs, 0 if it is none.
 */
static size_t fill_in(const struct flame *f, const struct flame_view *view, const char *at,
		      size_t left, struct buf *out)
{
	static const char *const word[] = { "@TITLE@", "@STYLE@", "@DATA@", "@SCRIPT@" };
	size_t i, length = 0;

	for (i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
		length = strlen(word[i]);
		if (left >= length && memcmp(at, word[i], length) == 0)
			break;
	}
	switch (i) {
	case 0:
		add_markup(out, view->title);
		break;
	case 1:
		add_asset(out, HTML_ASSET_FLAME_CSS);
		break;
	case 2:
		add_data(f, view, out);
		break;
	case 3:
		add_asset(out, HTML_ASSET_FLAME_JS);
		break;
	default:
		return 0;
	}
	return length;
}

void flame_html_write(const struct flame *f, const struct flame_view *view, struct buf *out)
{
	struct html_asset page = html_asset(HTML_ASSET_FLAME_HTML);
	size_t at = 0;

	while (at < page.length) {
		const char *sign = memchr(page.bytes + at, '@', page.length - at);
		size_t plain = sign ? (size_t)(sign - page.bytes) - at : page.length - at, filled;

		buf_add(out, page.bytes + at, plain);
		at += plain;
		if (!sign)
			break;
		filled = fill_in(f, view, page.bytes + at, page.length - at, out);
		if (!filled)
			buf_putc(out, '@');
		at += filled ? filled : 1;
	}
}
