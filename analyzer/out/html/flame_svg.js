// SPDX-License-Identifier: MIT
// The script inside an SVG flame graph: click zooms, "search" marks frames, hovering shows details. No data of its own.
"use strict";
(() => {
	const svg = document.documentElement, $ = (id) => document.getElementById(id);
	const side = +svg.dataset.side, charWidth = +svg.dataset.char;
	const full = svg.viewBox.baseVal.width - 2 * side;
	const frames = [...$("frames").children].map((g) => {
		const rect = g.querySelector("rect");
		return { g, rect, text: g.querySelector("text"), title: g.querySelector("title").textContent,
			x: +rect.getAttribute("x"), y: +rect.getAttribute("y"), w: +rect.getAttribute("width") };
	});
	const name = (f) => f.title.replace(/: [^:]*$/, "").replace(/ \([^()]*\)$/, "");
	const note = $("details").textContent;
	let zoomed = frames[0];

	function draw() {
		const factor = full / zoomed.w;
		for (const f of frames) {
			const below = f.y > zoomed.y;
			const inside = f.x >= zoomed.x - 0.02 && f.x + f.w <= zoomed.x + zoomed.w + 0.02;
			const around = below && f.x <= zoomed.x + 0.02 && f.x + f.w >= zoomed.x + zoomed.w - 0.02;
			const shown = around || (inside && !below);
			f.g.style.display = shown ? "" : "none";
			if (!shown)
				continue;
			const x = around ? side : side + (f.x - zoomed.x) * factor, w = around ? full : f.w * factor;
			f.rect.setAttribute("x", x);
			f.rect.setAttribute("width", w);
			f.rect.style.opacity = around && f !== zoomed ? 0.5 : "";
			const room = Math.floor((w - 6) / charWidth);
			let label = name(f);
			if (label.length > room)
				label = room >= 3 ? label.slice(0, room - 1) + "\u2026" : "";
			if (!f.text && label) {
				f.text = document.createElementNS(svg.namespaceURI, "text");
				f.text.setAttribute("y", f.y + 12);
				f.g.append(f.text);
			}
			if (f.text) {
				f.text.textContent = label;
				f.text.setAttribute("x", x + 3);
			}
		}
		$("reset").textContent = zoomed === frames[0] ? "" : "reset zoom";
	}

	function search(pattern) {
		let found = 0, end = -1;
		let test = () => false;
		if (pattern) {
			try {
				const re = new RegExp(pattern, "i");
				test = (s) => re.test(s);
			} catch {
				const plain = pattern.toLowerCase();
				test = (s) => s.toLowerCase().includes(plain);
			}
		}
		// Frames come parents first, left to right: what lies inside the last hit counts once.
		for (const f of frames) {
			const hit = f !== frames[0] && test(f.title.replace(/: [^:]*$/, ""));
			f.g.classList.toggle("found", hit);
			if (hit && f.x >= end - 0.005) {
				found += f.w;
				end = f.x + f.w;
			}
		}
		$("frames").classList.toggle("searching", !!pattern);
		$("search").textContent = pattern ? "matched " + (100 * found / full).toFixed(1) + "%  \u00d7" : "search";
	}

	$("frames").addEventListener("click", (e) => {
		const hit = frames.find((f) => f.g === e.target.closest("g"));
		if (hit) {
			zoomed = hit;
			draw();
		}
	});
	$("frames").addEventListener("mouseover", (e) => {
		const title = e.target.closest("g")?.querySelector("title");
		$("details").textContent = title ? title.textContent : note;
	});
	$("reset").addEventListener("click", () => { zoomed = frames[0]; draw(); });
	$("search").addEventListener("click", () => {
		if ($("frames").classList.contains("searching"))
			search("");
		else
			search(prompt("Search (regular expression):") || "");
	});
	search(decodeURIComponent((location.hash.match(/search=([^&]*)/) || ["", ""])[1]));
})();
