/* SPDX-License-Identifier: MIT */
/*
 * flame_svg.c - see flame_svg.h.
 *
 * Each frame is a <g> with a <title> (every viewer shows it as a tooltip), a <rect> and, where
 * there is room, a <text> cut to fit: a monospaced font makes the fit a division. The script
 * (html/flame_svg.js) reads geometry from the rects alone.
 */
#include "out/flame_svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out/html_assets.h"
#include "out/emit.h"
#include "out/text.h"
#include "util/pool.h"

#define SVG_WIDTH      1200.0
#define SVG_SIDE       10.0
#define SVG_ROW        17
#define SVG_TOP        64
#define SVG_BOTTOM     34
#define SVG_CHAR_WIDTH 7.25 /* of a monospaced font at 12 pixels, rounded up */
#define SVG_LEAST      0.33

struct svg {
	const struct flame *flame;
	const struct flame_view *view;
	struct buf *out;
	double *at;    /* per depth: x at which the next frame begins */
	uint32_t rows; /* deepest row that is drawn */
	uint64_t left_out, left_out_most;
};

/* XML text: markup escaped, what XML 1.0 (section 2.2) does not allow replaced. */
static void add_xml(struct buf *out, const char *text, size_t length)
{
	size_t at = 0;

	while (at < length) {
		int n = emit_utf8_length(text + at, length - at);
		unsigned char c = (unsigned char)text[at];

		if (n == 0 || (n == 1 && c < 0x20))
			buf_puts(out, "\xEF\xBF\xBD");
		else if (c == '<')
			buf_puts(out, "&lt;");
		else if (c == '>')
			buf_puts(out, "&gt;");
		else if (c == '&')
			buf_puts(out, "&amp;");
		else if (c == '"')
			buf_puts(out, "&quot;");
		else if (n == 3 && c == 0xEF && (unsigned char)text[at + 1] == 0xBF &&
			 (unsigned char)text[at + 2] >= 0xBE)
			buf_puts(out, "\xEF\xBF\xBD");
		else
			buf_add(out, text + at, (size_t)n);
		at += n ? (size_t)n : 1;
	}
}

static double channel(double hue, double saturation, double light, int n)
{
	double k = fmod(n + hue / 30.0, 12.0);
	double a = saturation * fmin(light, 1 - light);

	return light - a * fmax(-1, fmin(fmin(k - 3, 9 - k), 1));
}

/* HSL to RGB as in CSS Color Module Level 3, section 4.2.4. */
const char *flame_svg_color(char *out, const struct flame_label *label)
{
	uint64_t module = flame_hash(label->module), name = flame_hash(label->text);
	double hue = label->module[0] ? (double)((module >> 16) % 360 + (name >> 24) % 31 + 345)
				      : 210;
	double saturation = label->module[0] ? 0.62 : 0.10;
	double light = 0.66 + (double)((name >> 16) % 100) / 1000.0;

	snprintf(out, 8, "#%02x%02x%02x", (unsigned)(channel(hue, saturation, light, 0) * 255) & 255,
		 (unsigned)(channel(hue, saturation, light, 8) * 255) & 255,
		 (unsigned)(channel(hue, saturation, light, 4) * 255) & 255);
	return out;
}

static double scale(const struct svg *s)
{
	uint64_t total = s->flame->nodes[FLAME_ROOT].total;

	return total ? (SVG_WIDTH - 2 * SVG_SIDE) / (double)total : 0;
}

/*
 * Number of bytes of NAME[LENGTH] that fit into WIDTH pixels as whole characters, an ellipsis
 * included when *CUT is set.
 */
static size_t fitting(const char *name, size_t length, double width, int *cut)
{
	size_t room = width > 6 ? (size_t)((width - 6) / SVG_CHAR_WIDTH) : 0, at = 0, used, kept = 0;

	for (used = 0; at < length; used++) {
		int n = emit_utf8_length(name + at, length - at);

		if (used + 1 <= room)
			kept = at;
		if (used + 1 > room) {
			*cut = 1;
			return room >= 3 ? kept : 0;
		}
		at += n ? (size_t)n : 1;
	}
	*cut = 0;
	return length;
}

static void draw_frame(struct svg *s, const struct flame_node *n, double x, double width, double y)
{
	static const struct flame_label all = { .text = "all", .module = "" };
	const struct flame_label *label = n->label == FLAME_NONE ? &all : &s->flame->labels[n->label];
	char color[8], amount[48], share[TEXT_NUMBER_BYTES];
	size_t length = strlen(label->text), shown;
	int cut;

	buf_puts(s->out, "<g><title>");
	add_xml(s->out, label->text, length);
	if (label->module[0]) {
		buf_puts(s->out, " (");
		add_xml(s->out, label->module, strlen(label->module));
		buf_putc(s->out, ')');
	}
	text_percent(share, n->total, s->flame->nodes[FLAME_ROOT].total);
	buf_printf(s->out, ": %s, ", flame_amount(amount, s->view, n->total));
	add_xml(s->out, share, strlen(share));
	buf_puts(s->out, "</title>");
	buf_printf(s->out, "<rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\" fill=\"%s\"/>",
		   x, y, width, SVG_ROW - 1, flame_svg_color(color, label));
	shown = fitting(label->text, length, width, &cut);
	if (shown) {
		buf_printf(s->out, "<text x=\"%.2f\" y=\"%.0f\">", x + 3, y + 12);
		add_xml(s->out, label->text, shown);
		buf_puts(s->out, cut ? "\u2026</text>" : "</text>");
	}
	buf_puts(s->out, "</g>\n");
}

/* Walks the frames that are wide enough; with DRAW 0 it only measures. */
static void walk(struct svg *s, int draw, double height)
{
	const struct flame *f = s->flame;
	uint32_t node = FLAME_ROOT;
	double per_unit = scale(s);

	s->at[0] = SVG_SIDE;
	s->left_out = s->left_out_most = 0;
	while (node != FLAME_NONE) {
		const struct flame_node *n = &f->nodes[node];
		double x = s->at[n->depth], width = (double)n->total * per_unit;
		int narrow = width < SVG_LEAST && node != FLAME_ROOT;

		s->at[n->depth] = x + width;
		if (narrow) {
			s->left_out++;
			if (n->total > s->left_out_most)
				s->left_out_most = n->total;
		} else {
			if (n->depth > s->rows)
				s->rows = n->depth;
			s->at[n->depth + 1] = x;
			if (draw)
				draw_frame(s, n, x,
					   node == FLAME_ROOT ? SVG_WIDTH - 2 * SVG_SIDE : width,
					   height - SVG_BOTTOM - (double)(n->depth + 1) * SVG_ROW);
		}
		node = flame_next(f, node, narrow);
	}
}

static void write_head(struct svg *s, int height)
{
	struct buf *out = s->out;
	char amount[48];

	buf_printf(out,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%d\" viewBox=\"0 0 %.0f %d\" "
		   "data-side=\"%.0f\" data-char=\"%.2f\">\n<title>",
		   SVG_WIDTH, height, SVG_WIDTH, height, SVG_SIDE, SVG_CHAR_WIDTH);
	add_xml(out, s->view->title, strlen(s->view->title));
	buf_puts(out,
		 "</title>\n<style>\n"
		 "svg { background: #fdfdfb; font-family: ui-monospace, Menlo, Consolas, \"DejaVu Sans Mono\", monospace; "
		 "font-size: 12px; fill: #1a1a1a }\n"
		 "#frames rect { cursor: pointer }\n#frames > g:hover > rect { stroke: #000; stroke-width: 0.8 }\n"
		 "#frames text { pointer-events: none }\n"
		 ".head { font-size: 16px; font-weight: bold }\n.note { fill: #555 }\n.button { cursor: pointer; fill: #0b5394 }\n"
		 ".found rect { fill: #d63cb4 }\n.searching g:not(.found) rect { opacity: 0.45 }\n"
		 "</style>\n");
	buf_printf(out, "<text class=\"head\" x=\"%.0f\" y=\"24\">", SVG_SIDE);
	add_xml(out, s->view->title, strlen(s->view->title));
	buf_printf(out, " \u2013 %s</text>\n",
		   flame_amount(amount, s->view, s->flame->nodes[FLAME_ROOT].total));
	buf_printf(out, "<text class=\"note\" x=\"%.0f\" y=\"44\">", SVG_SIDE);
	add_xml(out, s->view->subtitle, strnlen(s->view->subtitle, 150));
	buf_puts(out, strlen(s->view->subtitle) > 150 ? "\u2026</text>\n" : "</text>\n");
	buf_printf(out,
		   "<text class=\"button\" id=\"search\" x=\"%.0f\" y=\"24\" text-anchor=\"end\"/>\n"
		   "<text class=\"button\" id=\"reset\" x=\"%.0f\" y=\"44\" text-anchor=\"end\"/>\n",
		   SVG_WIDTH - SVG_SIDE, SVG_WIDTH - SVG_SIDE);
	buf_printf(out, "<text class=\"note\" id=\"details\" x=\"%.0f\" y=\"%d\">", SVG_SIDE,
		   height - 12);
	if (s->left_out) {
		char most[48];

		buf_printf(out, "%" PRIu64 " frame%s too narrow to draw left out, the widest %s",
			   s->left_out, text_plural(s->left_out),
			   flame_amount(most, s->view, s->left_out_most));
	}
	buf_puts(out, "</text>\n");
}

void flame_svg_write(const struct flame *f, const struct flame_view *view, struct buf *out)
{
	struct svg s = { .flame = f, .view = view, .out = out };
	struct html_asset script = html_asset(HTML_ASSET_FLAME_SVG_JS);
	int height;

	s.at = xcalloc((size_t)f->deepest + 2, sizeof(*s.at));
	walk(&s, 0, 0);
	height = SVG_TOP + SVG_BOTTOM + (int)(s.rows + 1) * SVG_ROW;
	write_head(&s, height);
	buf_puts(out, "<g id=\"frames\">\n");
	walk(&s, 1, height);
	buf_puts(out, "</g>\n<script><![CDATA[\n");
	buf_add(out, script.bytes, script.length);
	buf_puts(out, "]]></script>\n</svg>\n");
	free(s.at);
}
