#!/bin/bash
# SPDX-License-Identifier: MIT
#
# flame_html.sh - the flame graph page in a real browser: it shows the trace's own numbers, finds what is searched, turns
# to callers, paints its canvas, loads nothing from outside, and says so when its data are damaged. The SVG searches too.
# shellcheck disable=SC2154  # variables of the runner
. "$SRC/tests/e2e/lib.sh"

browser=$(command -v chromium || command -v google-chrome)
# shellcheck disable=SC2054  # the comma of --window-size
flags=(--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-background-networking
	--disable-component-update --disable-sync --no-first-run --no-default-browser-check
	"--user-data-dir=$PWD/browser" --window-size=1200,800 --virtual-time-budget=8000)

# dom FILE FRAGMENT: the page as it stands after its script has run.
dom() {
	timeout 60 "$browser" "${flags[@]}" --dump-dom "file://$PWD/$1$2" 2>/dev/null
}

# shows NAME FILE FRAGMENT TEXT...: every TEXT is in the page.
shows() {
	local name=$1 file=$2 fragment=$3 text
	shift 3
	dom "$file" "$fragment" >dom.html
	for text; do
		grep -qF -- "$text" dom.html || bad "$name: no '$text' in the page"
	done
}

trace=$SRC/tests/golden/v1/threads.zst
"$SHIM_ANALYZE" flamegraph --cost peak -o page.html "$trace" || bad 'no page'
"$SHIM_ANALYZE" flamegraph --cost peak -o page.svg "$trace" || bad 'no SVG'

# 103 B and 2000 B at the peak, from two call sites of one caller: with the root five frames
shows plain page.html '' 'data-frames="5"' '2.10KB in 5 frames, 3 deep' 'peak memory of threads (pid 4242)' \
	'2.00KB 95.1%' '103B 4.9%' '>threads --flag<'
! grep -q 'data-error' dom.html || bad 'plain: an error is shown'
shows search page.html '#search=12ff' '95.1% matched (2.00KB)' 'data-matched="1"'
shows expression page.html '#search=1[12]ff%24' '100.0% matched (2.10KB)' 'data-matched="2"'
shows 'module' page.html '#search=^libc' '100.0% matched (2.10KB)' 'data-matched="1"'
shows nothing page.html '#search=nowhere' '0.0% matched (0B)' 'data-matched="0"'
shows callers page.html '#callers=1' 'id="callers" aria-pressed="true"' 'data-frames="7"'
shows zoomed page.html '#zoom=2' '<nav id="path" aria-label="Zoomed frame and its callers">libc.so.6+0x26fff'

# nothing comes from outside
grep -q "content=\"default-src 'none'" page.html || bad 'no content security policy'
! grep -qE '(src|href)=|url\(|https?://' page.html || bad 'the page refers to something outside'

# damaged data: said, not silently empty
sed 's/\(type="application\/x-deflate-base64">........\)..../\1AAAA/' page.html >damaged.html
! cmp -s page.html damaged.html || bad 'the damage did not hit'
shows damaged damaged.html '' 'data-error=' 'Cannot show the graph'

# the canvas is painted: frames of two modules have two colours, and the root's grey is there
timeout 60 "$browser" "${flags[@]}" --screenshot="$PWD/page.png" "file://$PWD/page.html" >/dev/null 2>&1
/usr/bin/python3 "$SRC/tests/e2e/page/png_colors.py" page.png 600 95 600 170 >colors || bad 'no picture'
(($(wc -l <colors) >= 3)) || bad "the canvas shows $(wc -l <colors) colours"

shows 'SVG' page.svg '#search=12ff' 'matched 95.1%' 'threads+0x12ff'
finish
