/* SPDX-License-Identifier: MIT */
/*
 * html_assets.h - the files of out/html/, which the build puts into the program as they are.
 *
 * They are markup, style and script that we wrote; nothing in them comes from a trace.
 */
#ifndef OUT_HTML_ASSETS_H
#define OUT_HTML_ASSETS_H

#include <stddef.h>

enum html_asset_id {
	HTML_ASSET_FLAME_HTML, /* page; holds the lines named in flame_html.c where the rest is put in */
	HTML_ASSET_FLAME_CSS,
	HTML_ASSET_FLAME_JS,
	HTML_ASSET_FLAME_SVG_JS, /* the small script inside SVG flame graphs */
};

struct html_asset {
	const char *bytes; /* not terminated */
	size_t length;
};

struct html_asset html_asset(enum html_asset_id id);

#endif
