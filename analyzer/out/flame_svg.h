/* SPDX-License-Identifier: MIT */
/*
 * flame_svg.h - a flame tree as one SVG file: readable without a script, and with one (its own,
 * inlined) it zooms on a click and searches. The root is at the bottom, a frame's width is its
 * share of the total.
 */
#ifndef OUT_FLAME_SVG_H
#define OUT_FLAME_SVG_H

#include "out/flame.h"
#include "util/buf.h"

/*
 * Writes F (finished) to OUT. Frames narrower than a third of a pixel are left out together with
 * what stands on them; the file says how many and what share of the total the widest of them had.
 * The same tree gives the same bytes.
 */
void flame_svg_write(const struct flame *f, const struct flame_view *view, struct buf *out);

/*
 * Colour of a frame, "#rrggbb": the hue tells the module, give or take 15 degrees and the lightness
 * for the function. OUT holds 8 bytes; returns OUT.
 */
const char *flame_svg_color(char *out, const struct flame_label *label);

#endif
