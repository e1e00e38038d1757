/* SPDX-License-Identifier: MIT */
/*
 * html_assets.c - see html_assets.h. The symbols are those that `ld -r -b binary` makes of the
 * files' names.
 */
#include "out/html_assets.h"

#define ASSET(name) extern const char _binary_##name##_start[], _binary_##name##_end[]

ASSET(flame_html);
ASSET(flame_css);
ASSET(flame_js);
ASSET(flame_svg_js);

struct html_asset html_asset(enum html_asset_id id)
{
#define ENTRY(name)                                                                             \
	{                                                                                       \
		_binary_##name##_start, (size_t)(_binary_##name##_end - _binary_##name##_start) \
	}
	const struct html_asset assets[] = {
		[HTML_ASSET_FLAME_HTML] = ENTRY(flame_html),
		[HTML_ASSET_FLAME_CSS] = ENTRY(flame_css),
		[HTML_ASSET_FLAME_JS] = ENTRY(flame_js),
		[HTML_ASSET_FLAME_SVG_JS] = ENTRY(flame_svg_js),
	};
#undef ENTRY

	return assets[id];
}
