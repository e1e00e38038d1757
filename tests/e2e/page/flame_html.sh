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

# keys and mouse: a copy of the page plays a user and writes down what it sees
cat >user.js <<'EOF'
<script>
const wait = setInterval(() => {
	if (!document.body.dataset.frames)
		return;
	clearInterval(wait);
	const log = [], canvas = document.getElementById("graph"), status = () => document.getElementById("status").textContent;
	const key = (name, target = document.body) => target.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
	const box = canvas.getBoundingClientRect();
	const mouse = (type, share, row) => canvas.dispatchEvent(new MouseEvent(type,
		{ clientX: box.left + share * box.width, clientY: box.top + row * 18 + 9, bubbles: true }));
	for (const name of ["ArrowDown", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft"])
		key(name, canvas);
	log.push("left: " + status());
	key("ArrowRight", canvas);
	log.push("right: " + status());
	key("Enter", canvas);
	log.push("entered: " + location.hash);
	key("Escape");
	log.push("reset: [" + location.hash + "]");
	mouse("mousemove", 0.5, 3);
	log.push("tip: " + document.getElementById("tip").textContent);
	mouse("click", 0.5, 3);
	log.push("clicked: " + location.hash);
	key("Backspace");
	log.push("back: " + location.hash);
	key("f");
	key("i");
	log.push("keys: " + location.hash);
	key("?");
	log.push("help: " + !document.getElementById("keys").hidden);
	key("/");
	log.push("focus: " + document.activeElement.id);
	document.querySelector("#top tbody tr").click();
	log.push("table: " + document.getElementById("matched").textContent);
	const list = document.createElement("pre");
	list.textContent = log.join("\n");
	document.body.append(list);
}, 20);
</script>
EOF
sed '/<\/body>/{
r user.js
N
}' page.html >played.html
shows played played.html '' 'left: threads+0x11ff' 'right: threads+0x12ff' 'entered: #zoom=4' 'reset: []' \
	'tip: threads+0x12ff' 'clicked: #zoom=4' 'back: #zoom=2' 'keys: #callers=1&amp;flip=1' 'help: true' \
	'focus: search' 'table: 95.1% matched (2.00KB)'

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
