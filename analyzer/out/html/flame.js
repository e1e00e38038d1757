// SPDX-License-Identifier: MIT
// The flame graph page: one canvas, one tree in preorder columns. It reads the page's own data block and nothing else; names
// are only ever drawn or set as textContent. What is under half a pixel is drawn as grey runs, so a frame of the picture
// costs what is visible and not what there is.
"use strict";
(() => {
const ROW = 18, ANCESTORS_SHOWN = 6, ROWS_MOST = 1500, SMALL = 0.5, CALLER_STEPS_MOST = 4e6;
const $ = (id) => document.getElementById(id);
const canvas = $("graph"), context = canvas.getContext("2d"), fields = new URLSearchParams(location.hash.slice(1));

let data;          // the page's object: title, unit, labels, modules …
let tree;          // the tree on show: top-down or by callers
let topDown, byCallers;
let zoomed = 0, selected = -1, flipped = false, pattern = "", found = null;
let rows = [];     // of the last picture, per row: [[x, width, node]…] in order of x
let pictureHeight = 0;

// ---- data -------------------------------------------------------------------------------------

async function load() {
	if (typeof DecompressionStream === "undefined")
		throw new Error("this browser cannot inflate data (DecompressionStream); use a newer one, or the .svg output");
	const packed = Uint8Array.from(atob($("data").textContent.trim()), (c) => c.charCodeAt(0));
	const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
	const object = JSON.parse(await new Response(stream).text());
	const count = object.depth.length;
	if (!count || object.label.length !== count || object.self.length !== count || object.depth[0] !== 0)
		throw new Error("the data block is damaged");
	return object;
}

// Preorder columns to a tree: parent, end of the subtree, total, and x (weight to the left) of every node.
function makeTree(depth, label, self) {
	const count = depth.length, parent = new Int32Array(count), end = new Int32Array(count), path = [0];
	const total = Float64Array.from(self), x = new Float64Array(count), filled = new Float64Array(count);
	let deepest = 0;
	parent[0] = -1;
	for (let i = 1; i < count; i++) {
		if (depth[i] < 1 || depth[i] > depth[i - 1] + 1)
			throw new Error("the data block is damaged at node " + i);
		parent[i] = path[depth[i] - 1];
		path[depth[i]] = i;
		deepest = Math.max(deepest, depth[i]);
	}
	for (let i = count - 1; i > 0; i--) {
		total[parent[i]] += total[i];
		end[i] = Math.max(end[i], i + 1);
		end[parent[i]] = Math.max(end[parent[i]], end[i]);
	}
	end[0] = count;
	for (let i = 1; i < count; i++) {
		x[i] = x[parent[i]] + filled[parent[i]];
		filled[parent[i]] += total[i];
	}
	return { count, depth, label, self, total, parent, end, x, deepest };
}

// The same weights from the other side: below the root the functions that end a stack, behind each its callers.
function makeCallers(from) {
	const children = [new Map()], label = [-1], self = [0], sum = [0];
	const ends = [...Array(from.count).keys()].filter((i) => from.self[i] > 0).sort((a, b) => from.self[b] - from.self[a] || a - b);
	let steps = 0;
	for (const end of ends) {
		let at = 0;
		for (let node = end; node > 0 && steps < CALLER_STEPS_MOST; node = from.parent[node], steps++) {
			let next = children[at].get(from.label[node]);
			if (next === undefined) {
				next = label.length;
				label.push(from.label[node]);
				self.push(0);
				sum.push(0);
				children.push(new Map());
				children[at].set(from.label[node], next);
			}
			sum[next] += from.self[end];
			at = next;
		}
		self[at] += from.self[end];
	}
	const order = { depth: [], label: [], self: [] }, todo = [[0, 0]];
	while (todo.length) {
		const [node, depth] = todo.pop();
		order.depth.push(depth);
		order.label.push(label[node]);
		order.self.push(self[node]);
		const next = [...children[node].values()].sort((a, b) => sum[a] - sum[b] || label[b] - label[a]);
		for (const child of next)
			todo.push([child, depth + 1]);
	}
	return makeTree(order.depth, order.label, order.self);
}

// ---- words ------------------------------------------------------------------------------------

function nameOf(label) {
	if (label >= 0)
		return data.labels[label][0];
	return label === -1 ? "all" : (-1 - label) + (label === -2 ? " frame" : " frames") + " too small to show";
}

const moduleOf = (label) => label >= 0 ? data.modules[data.labels[label][1]] : "";

function amount(weight) {
	if (data.unit !== "bytes")
		return data.about + weight.toLocaleString("en-US") + " " + data.unit;
	const units = ["B", "KB", "MB", "GB", "TB", "PB"];
	let at = 0, value = weight;
	for (; value >= 999.995 && at + 1 < units.length; at++)
		value /= 1000;
	return data.about + (at ? value.toFixed(2) : value) + units[at];
}

function share(part, whole) {
	const percent = whole ? 100 * part / whole : 0;
	return percent > 0 && percent < 0.05 ? "<0.1%" : percent.toFixed(1) + "%";
}

function describe(node) {
	const words = [amount(tree.total[node]) + ", " + share(tree.total[node], tree.total[0]) + " of all"];
	if (zoomed)
		words.push(share(tree.total[node], tree.total[zoomed]) + " of what is shown");
	words.push("self " + amount(tree.self[node]));
	return words.join(", ");
}

// ---- picture ----------------------------------------------------------------------------------

function hash(text) {
	let h = 0x811c9dc5;
	for (let i = 0; i < text.length; i++)
		h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
	return h >>> 0;
}

const colors = new Map();
function colorOf(label, dark) {
	const key = label * 2 + (dark ? 1 : 0);
	let color = colors.get(key);
	if (!color) {
		const module = moduleOf(label), name = hash(nameOf(label)), light = (dark ? 34 : 68) + (name >>> 8) % 11;
		const hue = (hash(module) >>> 4) % 360 + (name >>> 16) % 31 + 345; // the module's, give or take 15 degrees
		color = module ? `hsl(${hue % 360} ${dark ? 38 : 60}% ${light}%)` : `hsl(210 8% ${light}%)`;
		colors.set(key, color);
	}
	return color;
}

function fit(text, width) {
	const room = Math.floor((width - 6) / charWidth);
	return text.length <= room ? text : room >= 3 ? text.slice(0, room - 1) + "\u2026" : "";
}

let charWidth = 7.2;

function ancestors(node) {
	const list = [];
	for (let at = tree.parent[node]; at >= 0; at = tree.parent[at])
		list.unshift(at);
	return list;
}

function drawBox(paint, node, row, x, width) {
	const y = flipped ? pictureHeight - (row + 1) * ROW : row * ROW, label = tree.label[node];
	const dimmed = found && !found.has(label);
	context.globalAlpha = dimmed ? 0.35 : 1;
	context.fillStyle = label < -1 ? paint.small : found && !dimmed ? paint.found : colorOf(label, paint.dark);
	context.fillRect(x, y, Math.max(width - (width > 3 ? 1 : 0), SMALL), ROW - 1);
	context.globalAlpha = 1;
	if (node === selected) {
		context.strokeStyle = paint.ink;
		context.lineWidth = 2;
		context.strokeRect(x + 1, y + 1, Math.max(width - 3, 1), ROW - 3);
	}
	const text = width > 26 ? fit(nameOf(label), width) : "";
	if (text) {
		context.fillStyle = found && !dimmed ? "#fff" : paint.ink;
		context.fillText(text, x + 3, y + ROW - 6);
	}
	(rows[row] ??= []).push([x, width, node]);
}

// Frames that are too small, one after the other, become one grey run of their row.
function drawSmall(paint, runs, row, x, width) {
	const run = runs[row];
	if (run && x - run[1] < 1) {
		run[1] = x + width;
		return;
	}
	flushSmall(paint, runs, row);
	runs[row] = [x, x + width];
}

function flushSmall(paint, runs, row) {
	const run = runs[row];
	if (!run || run[1] - run[0] < SMALL)
		return;
	context.fillStyle = paint.small;
	context.fillRect(run[0], flipped ? pictureHeight - (row + 1) * ROW : row * ROW, run[1] - run[0], ROW - 1);
}

function rowsBelow(scale) {
	let deepest = tree.depth[zoomed];
	for (let i = zoomed; i < tree.end[zoomed];) {
		const small = tree.total[i] * scale < SMALL;
		if (!small)
			deepest = Math.max(deepest, tree.depth[i]);
		i = small ? tree.end[i] : i + 1;
	}
	return Math.min(deepest - tree.depth[zoomed] + 1, ROWS_MOST);
}

function draw() {
	const style = getComputedStyle(document.documentElement), width = canvas.parentElement.clientWidth;
	const paint = { ink: style.getPropertyValue("--ink"), small: style.getPropertyValue("--small"),
		found: style.getPropertyValue("--found"), dark: document.documentElement.dataset.theme === "dark" };
	const above = ancestors(zoomed).slice(-ANCESTORS_SHOWN), ratio = window.devicePixelRatio || 1;
	const scale = tree.total[zoomed] ? width / tree.total[zoomed] : 0, base = tree.depth[zoomed] - above.length;
	const runs = [];
	pictureHeight = (above.length + rowsBelow(scale)) * ROW;
	canvas.width = Math.round(width * ratio);
	canvas.height = Math.round(pictureHeight * ratio);
	canvas.style.height = pictureHeight + "px";
	context.setTransform(ratio, 0, 0, ratio, 0, 0);
	context.font = "12px ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace";
	charWidth = context.measureText("mmmmmmmmmm").width / 10;
	rows = [];
	above.forEach((node, row) => drawBox(paint, node, row, 0, width));
	for (let i = zoomed; i < tree.end[zoomed];) {
		const row = tree.depth[i] - base, boxWidth = tree.total[i] * scale, x = (tree.x[i] - tree.x[zoomed]) * scale;
		if (boxWidth < SMALL || row >= above.length + ROWS_MOST) {
			if (row < above.length + ROWS_MOST)
				drawSmall(paint, runs, row, x, boxWidth);
			i = tree.end[i];
		} else {
			drawBox(paint, i, row, x, boxWidth);
			i++;
		}
	}
	runs.forEach((_, row) => flushSmall(paint, runs, row));
	$("path").textContent = zoomed ? [...ancestors(zoomed), zoomed].slice(1).map((n) => nameOf(tree.label[n])).join(" \u203a ") : "";
	canvas.setAttribute("aria-label", "Flame graph of " + data.title + ", showing " + nameOf(tree.label[zoomed]));
}

function nodeAt(event) {
	const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
	const row = rows[Math.floor((flipped ? pictureHeight - y : y) / ROW)] || [];
	const hit = row.find(([left, width]) => x >= left && x < left + width);
	return hit ? hit[2] : -1;
}

// ---- search and tables ------------------------------------------------------------------------

function matcher(text) {
	try {
		const expression = new RegExp(text, "i");
		$("search").classList.remove("bad");
		return (s) => expression.test(s);
	} catch {
		const plain = text.toLowerCase();
		$("search").classList.add("bad");
		return (s) => s.toLowerCase().includes(plain);
	}
}

function search(text) {
	pattern = text;
	found = null;
	if (text) {
		const test = matcher(text);
		found = new Set();
		data.labels.forEach(([name, module], i) => {
			if (test(name) || test(data.modules[module]))
				found.add(i);
		});
	}
	let weight = 0, frames = 0;
	for (let i = 1; found && i < tree.count;) {
		const hit = found.has(tree.label[i]);
		weight += hit ? tree.total[i] : 0;
		frames += hit ? 1 : 0;
		i = hit ? tree.end[i] : i + 1; // what lies inside a hit counts once
	}
	$("matched").textContent = found ? `${share(weight, tree.total[0])} matched (${amount(weight)})` : "";
	document.body.dataset.matched = frames;
	remember();
	draw();
}

function fillTable() {
	const self = new Map(), total = new Map(), open = new Map(), path = [];
	for (let i = 1; i < topDown.count; i++) {
		const label = topDown.label[i], depth = topDown.depth[i];
		while (path.length >= depth) {
			const done = path.pop();
			open.set(done, open.get(done) - 1);
		}
		path.push(label);
		if (!open.get(label)) // a recursive function counts once
			total.set(label, (total.get(label) || 0) + topDown.total[i]);
		open.set(label, (open.get(label) || 0) + 1);
		self.set(label, (self.get(label) || 0) + topDown.self[i]);
	}
	const labels = [...total.keys()].filter((l) => l >= 0);
	labels.sort((a, b) => self.get(b) - self.get(a) || total.get(b) - total.get(a) || a - b);
	const body = $("top").tBodies[0];
	for (const label of labels.slice(0, 100)) {
		const row = body.insertRow(), all = topDown.total[0];
		for (const text of [amount(self.get(label)) + " " + share(self.get(label), all),
			amount(total.get(label)) + " " + share(total.get(label), all), nameOf(label), moduleOf(label)]) {
			const cell = row.insertCell();
			cell.textContent = text;
			cell.title = text;
		}
		row.addEventListener("click", () => {
			const text = "^" + nameOf(label).replace(/[.*+?^${}()|[\]\\]/g, "\\$&") + "$";
			$("search").value = text;
			search(text);
		});
	}
}

// ---- what the user does -----------------------------------------------------------------------

function remember() {
	const state = new URLSearchParams();
	if (pattern)
		state.set("search", pattern);
	if (tree !== topDown)
		state.set("callers", "1");
	if (flipped)
		state.set("flip", "1");
	if (zoomed)
		state.set("zoom", zoomed);
	try {
		history.replaceState(null, "", "#" + state);
	} catch {
		// some browsers refuse this for files; the state is then not kept
	}
}

function zoom(node) {
	zoomed = node;
	remember();
	draw();
}

function select(node) {
	selected = node;
	$("status").textContent = node >= 0 ? nameOf(tree.label[node]) + " \u2013 " + describe(node) : "";
	draw();
}

function setCallers(on) {
	tree = on ? (byCallers ??= makeCallers(topDown)) : topDown;
	$("callers").setAttribute("aria-pressed", on);
	zoomed = 0;
	selected = -1;
	search(pattern);
}

function setFlip(on) {
	flipped = on;
	$("flip").setAttribute("aria-pressed", on);
	remember();
	draw();
	showRoot();
}

// Flipped, the root is at the lower end, which may be far down.
function showRoot() {
	scrollTo(0, flipped ? canvas.getBoundingClientRect().bottom + scrollY - innerHeight : 0);
}

function setTheme(theme) {
	document.documentElement.dataset.theme = theme;
	try {
		localStorage.setItem("shim-theme", theme);
	} catch {
		// no storage for files here
	}
	if (data)
		draw();
}

function toggleTheme() {
	setTheme(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
}

function startTheme() {
	let theme = fields.get("theme");
	try {
		theme ??= localStorage.getItem("shim-theme");
	} catch {
		// as above
	}
	setTheme(theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
}

function reset() {
	$("search").value = "";
	zoomed = 0;
	selected = -1;
	search("");
}

function toggleHelp() {
	$("keys").hidden = !$("keys").hidden;
	$("help").setAttribute("aria-expanded", !$("keys").hidden);
}

function siblings(node) {
	const list = [];
	for (let i = tree.parent[node] + 1; i < tree.end[tree.parent[node]]; i = tree.end[i])
		list.push(i);
	return list;
}

function move(key) {
	const inward = flipped ? "ArrowUp" : "ArrowDown", outward = flipped ? "ArrowDown" : "ArrowUp";
	if (selected < 0)
		return select(zoomed);
	if (key === inward) {
		let best = -1;
		for (let i = selected + 1; i < tree.end[selected]; i = tree.end[i])
			best = best < 0 || tree.total[i] > tree.total[best] ? i : best;
		return best >= 0 && select(best);
	}
	if (key === outward)
		return tree.parent[selected] >= 0 && select(tree.parent[selected]);
	if (!selected)
		return undefined;
	const row = siblings(selected), next = row[row.indexOf(selected) + (key === "ArrowRight" ? 1 : -1)];
	return next !== undefined && select(next);
}

function onKey(event) {
	const typing = event.target === $("search");
	if ((event.key === "f" && (event.ctrlKey || event.metaKey) && !typing) || (event.key === "/" && !typing)) {
		event.preventDefault();
		$("search").focus();
		$("search").select();
	} else if (event.key === "Escape") {
		reset();
		canvas.focus();
	} else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
		const action = { i: () => setCallers(tree === topDown), f: () => setFlip(!flipped), t: toggleTheme, "?": toggleHelp,
			Backspace: () => zoom(Math.max(tree.parent[zoomed], 0)) }[event.key];
		if (action && event.target.tagName !== "BUTTON")
			action();
		else if (event.key === "Enter" && event.target === canvas && selected >= 0)
			zoom(selected);
		else if (event.key.startsWith("Arrow") && event.target === canvas) {
			event.preventDefault();
			move(event.key);
		}
	}
}

function showTip(event) {
	const node = nodeAt(event), tip = $("tip");
	tip.hidden = node < 0;
	canvas.style.cursor = node < 0 ? "default" : "pointer";
	if (node < 0)
		return;
	const label = tree.label[node], lines = [["b", nameOf(label)], ["span", moduleOf(label)], ["div", describe(node)]];
	tip.replaceChildren(...lines.filter(([, text]) => text).map(([tag, text]) => {
		const line = document.createElement(tag);
		line.textContent = text;
		return line;
	}));
	tip.style.left = Math.max(0, Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8)) + "px";
	tip.style.top = Math.max(0, event.clientY + 18 + tip.offsetHeight > innerHeight ? event.clientY - tip.offsetHeight - 10 : event.clientY + 18) + "px";
}

function listen() {
	canvas.addEventListener("mousemove", showTip);
	canvas.addEventListener("mouseleave", () => { $("tip").hidden = true; });
	canvas.addEventListener("click", (event) => {
		const node = nodeAt(event);
		if (node >= 0 && tree.label[node] >= -1) {
			zoom(node);
			select(node);
		}
	});
	$("search").addEventListener("input", () => search($("search").value));
	$("tools").addEventListener("submit", (event) => event.preventDefault());
	$("reset").addEventListener("click", reset);
	$("callers").addEventListener("click", () => setCallers(tree === topDown));
	$("flip").addEventListener("click", () => setFlip(!flipped));
	$("theme").addEventListener("click", toggleTheme);
	$("help").addEventListener("click", toggleHelp);
	document.addEventListener("keydown", onKey);
	new ResizeObserver(draw).observe($("stage"));
}

async function start() {
	startTheme();
	data = await load();
	topDown = tree = makeTree(data.depth, data.label, data.self);
	$("subtitle").textContent = data.subtitle;
	$("status").textContent = amount(tree.total[0]) + " in " + tree.count.toLocaleString("en-US") + " frames, " + (tree.deepest) + " deep";
	flipped = fields.has("flip");
	$("flip").setAttribute("aria-pressed", flipped);
	if (fields.has("callers"))
		setCallers(true);
	const wanted = Number(fields.get("zoom"));
	if (Number.isInteger(wanted) && wanted > 0 && wanted < tree.count)
		zoomed = wanted;
	$("search").value = fields.get("search") || "";
	fillTable();
	listen();
	search($("search").value);
	showRoot();
	document.body.dataset.frames = tree.count;
}

start().catch((error) => {
	$("status").textContent = "Cannot show the graph: " + error.message;
	document.body.dataset.error = error.message;
});
})();
