/* SPDX-License-Identifier: MIT */
/*
 * flame_html.h - a flame tree as one self-contained HTML page with an interactive viewer
 * (html/flame.js).
 *
 * The page loads nothing from outside (its content security policy forbids it) and works from a
 * file. Data travel as JSON, deflated (RFC 1950) and in base64, so no name from a trace can become
 * markup.
 */
#ifndef OUT_FLAME_HTML_H
#define OUT_FLAME_HTML_H

#include "out/flame.h"
#include "util/buf.h"

/*
 * Writes F (finished) to OUT. Frames below a 200,000th of the total are merged, per caller, into
 * one that tells their number, which bounds the page. The same tree gives the same bytes.
 */
void flame_html_write(const struct flame *f, const struct flame_view *view, struct buf *out);

#endif
