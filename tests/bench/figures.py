# SPDX-License-Identifier: MIT
"""figures.py - the figures behind a run of the benchmark: ratios, tables, and which targets hold.

Pure: everything comes out of the dictionary that bench.py writes as JSON.
"""
import math
from statistics import median

from runs import PARTS

NAN = float("nan")
MB = 1e6
MANY_EVENTS = 100000         # fewer: the header is most of the trace, and an event's share of the time is noise
RECORD_ADDS = 0.03           # heaptrack's recording adds at least that share: else "a share of it" is noise
CHAIN = ("native",) + PARTS + ("shim",)
SLOW_PROGRAM = 1e6           # allocations a second


def geomean(values):
    values = [v for v in values if v == v and v > 0]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else NAN


def largest(pairs):
    """(VALUE, NAME) of the largest of [(name, value)], without those that were not measured."""
    return max(((v, n) for n, v in pairs if v == v), default=(NAN, "nothing"))


def parts_of(chain, record, divisor):
    """What each of CHAIN adds to the one before, all of them, and RECORD, over DIVISOR."""
    return [(b - a) / divisor for a, b in zip(chain, chain[1:])] + [(end - chain[0]) / divisor for end in (chain[-1], record)]


class Row:
    """One program of the run."""

    def __init__(self, data):
        self.name, self.tools = data["name"], data["tools"]
        self.reading = data.get("reading") or {}
        self.is_real = not self.name.startswith("bench_")
        self.events = self.reading.get("events", 0)

    def ran(self, tool):
        return [r for r in self.tools.get(tool, []) if r["status"] == 0]

    def failed(self, tool):
        return any(r["status"] != 0 for r in self.tools.get(tool, []))

    def least(self, tool, what="cpu"):
        return min((r[what] for r in self.ran(tool)), default=NAN)

    def ratio(self, tool):
        return self.least(tool) / self.least("native")

    def middle(self, tool):
        """Median over the rounds of what TOOL took over what native took in the same round."""
        pairs = [(t["cpu"], n["cpu"]) for t, n in zip(self.tools.get(tool, []), self.tools["native"]) if t["status"] == 0]
        return median(t / n for t, n in pairs) if pairs else NAN

    def added(self, tool):
        return self.least(tool) - self.least("native")

    def share_of_record(self, tool="shim"):
        if self.events < MANY_EVENTS or not self.added("record") >= RECORD_ADDS * self.least("native"):
            return NAN
        return self.added(tool) / self.added("record")

    def rate(self):
        return self.events / self.least("native")

    def allocation_rate(self):
        return self.reading.get("allocations", 0) / self.least("native")

    def extra_rss(self, tool):
        return self.least(tool, "rss") - self.least("native", "rss")

    def rss_over(self, tool):
        """Extra memory as a multiple of what the target allows: 16 MB and 5 %."""
        return self.extra_rss(tool) / (16 * MB + 0.05 * self.least("native", "rss"))

    def per_event(self, tool):
        return self.least(tool, "bytes") / self.events if self.events >= MANY_EVENTS else NAN

    def parts(self):
        """ns for an event: hook, capture, rows, columns, file, all of them, and what heaptrack's recording takes."""
        if self.events < MANY_EVENTS:
            return [NAN] * (len(PARTS) + 3)
        return parts_of([self.least(t) for t in CHAIN], self.least("record"), self.events / 1e9)

    def reading_of(self, view, what, per_million=True):
        cost = self.reading.get(view)
        if not cost or self.events < MANY_EVENTS:
            return NAN
        return cost[what] / (self.events / 1e6 if per_million else 1)


def rows_of(data):
    return [Row(d) for d in data["programs"]]


def cell(value, digits=2):
    if isinstance(value, str):
        return value
    return "–" if value != value else "%.*f" % (digits, value)


def table_cpu(data):
    rows = rows_of(data)
    real = [r for r in rows if r.is_real]
    head = ("program", "M events", "M ev/s", "native s", "exact", "(median)", "sampled", "record", "heaptrack",
            "added/rec", "sampled/rec")
    lines = [(r.name, r.events / 1e6, r.rate() / 1e6, r.least("native"), r.ratio("shim"), r.middle("shim"), r.ratio("sampled"),
              r.ratio("record"), r.ratio("heaptrack"), r.share_of_record(), r.share_of_record("sampled")) for r in rows]
    both = ["shim", "sampled", "record", "heaptrack"]
    means = {t: geomean(r.ratio(t) for r in real) for t in both}
    lines.append(("geomean, real", "", "", "", means["shim"], geomean(r.middle("shim") for r in real), means["sampled"],
                  means["record"], means["heaptrack"], geomean(r.share_of_record() for r in real), ""))
    return head, lines, 2


def table_parts(data):
    head = ("ns for an event", "hook", "capture", "row", "columns", "write", "all", "record")
    lines = [(r.name, *r.parts()) for r in rows_of(data) if r.events >= MANY_EVENTS]
    pairs = data.get("pairs", {})
    for depth in sorted(pairs.get("native", {}), key=int):
        chain = [pairs.get(t, {}).get(depth, NAN) for t in CHAIN]
        lines.append(("pair at depth " + depth, *parts_of(chain, pairs.get("record", {}).get(depth, NAN), 2)))
    return head, lines, 1


def table_space(data):
    rows = rows_of(data)
    head = ("program", "RSS MB", "RSS+ MB", "RSS+ %", "record+", "heaptrack+", "MB/Mev", "record", "heaptrack",
            "summary CPU s/Mev", "wall", "tool MB", "flamegraph s")
    lines = [(r.name, r.least("native", "rss") / MB, r.extra_rss("shim") / MB,
              100 * r.extra_rss("shim") / r.least("native", "rss"), r.extra_rss("record") / MB, r.extra_rss("heaptrack") / MB,
              r.per_event("shim"), r.per_event("record"), r.per_event("heaptrack"), r.reading_of("summary", "cpu"),
              r.reading_of("summary", "wall"), r.reading_of("summary", "rss", False) / MB,
              r.reading_of("flamegraph", "wall", False)) for r in rows]
    real = [r for r in rows if r.is_real and r.events >= MANY_EVENTS]
    lines.append(("geomean, real", "", "", "", "", "", *(geomean(r.per_event(t) for r in real) for t in
                                                        ("shim", "record", "heaptrack")),
                  geomean(r.reading_of("summary", "cpu") for r in real if r.events > 1e6),
                  geomean(r.reading_of("summary", "wall") for r in real if r.events > 1e6), "", ""))
    return head, lines, 2


def table_pairs(data):
    pairs = data.get("pairs", {})
    depths = sorted(pairs.get("native", {}), key=int)
    head = ("ns for malloc and free",) + tuple("depth " + d for d in depths)
    return head, [(tool, *(pairs[tool][d] for d in depths)) for tool in ("native", "shim", "sampled", "record")
                  if tool in pairs], 1


PERCENTILES = ("p50", "p99", "p99.9", "p99.99", "p99.999", "max")


def table_pauses(data):
    head = ("one call, us",) + PERCENTILES
    lines = []
    for mode, by_threads in data.get("pauses", {}).items():
        for threads, tools in by_threads.items():
            lines += [("%s, %s threads, %s" % (mode, threads, tool), *(seen.get(p, NAN) / 1e3 for p in PERCENTILES))
                      for tool, seen in tools.items()]
    return head, lines, 2


def table_scaling(data):
    rates = data.get("scaling", {})
    tools = [t for t in ("native", "shim", "sampled", "record", "heaptrack") if any(t in r for r in rates.values())]
    head = ("M calls/s",) + tuple(tools) + ("native/shim", "record/shim")
    return head, [(n + " threads", *(r.get(t) or NAN for t in tools), r["native"] / r.get("shim", NAN),
                   r.get("record", NAN) / r.get("shim", NAN)) for n, r in rates.items()], 2


TABLES = (("CPU, as a multiple of native", table_cpu), ("Where the time goes", table_parts),
          ("Memory, traces, reading them", table_space), ("A pair, all at one place", table_pairs),
          ("Pauses", table_pauses), ("Threads", table_scaling))


# ---- targets ----------------------------------------------------------------------------------

def verdict(value, limit):
    return "not measured" if value != value else "yes" if value <= limit else "no"


def each(pairs, limit, form="%.2f"):
    """How many of [(name, value)] are within LIMIT, and the worst."""
    pairs = [(n, v) for n, v in pairs if v == v]
    if not pairs:
        return "–", "not measured"
    value, name = largest(pairs)
    held = sum(v <= limit for _, v in pairs)
    return "%d of %d; worst %s (%s)" % (held, len(pairs), form % value, name), "yes" if held == len(pairs) else "no"


def pause_added(data, mode, threads):
    tools = data.get("pauses", {}).get(mode, {}).get(str(threads), {})
    return (tools.get("shim", {}).get("p99.999", NAN) - tools.get("native", {}).get("p99.999", NAN)) / 1e3


def pause_target(data):
    added = {n: pause_added(data, "cpu", n) for n in (1, 4, 16)}
    wall = pause_added(data, "wall", 1)
    worst, _ = largest(list(added.items()) + [("wall", wall)])
    if worst != worst and wall != wall:
        return "pause added at p99.999", "<= 200 us", "–", "not measured"
    return ("pause added at p99.999", "<= 200 us", "%s us by the clock with 1 thread; of CPU %s with 1, 4, 16 threads" %
            (cell(wall, 0), ", ".join(cell(v, 0) for v in added.values())), verdict(worst, 200))


def single(name, target, value, limit, form):
    return name, target, "–" if value != value else form % value, verdict(value, limit)


def large_targets(data):
    large = data.get("large")
    if not large:
        return []
    size = "of %.0f M events" % (large["events"] / 1e6)
    enough = large["events"] >= 99e6
    lines = []
    if "report" in large:
        r = large["report"]
        opens = r.get("opens")
        is_held = r["wall"] <= 10 and r["bytes"] <= 5 * MB and (opens is None or opens <= 1) and r["status"] in (0, 23)
        lines.append(("HTML report of 100 M events", "<= 10 s, 5 MB, opens in 1 s",
                      "%.1f s, %.2f MB, opens in %s s, %s" % (r["wall"], r["bytes"] / MB, cell(NAN if opens is None else opens), size),
                      "not measured" if not enough else "yes" if is_held else "no"))
    else:
        lines.append(("HTML report of 100 M events", "<= 10 s, 5 MB, opens in 1 s", "–", "not there yet"))
    if "flamegraph" in large:
        f = large["flamegraph"]
        lines.append(("flamegraph of 100 M events", "<= 5 s", "%.1f s, %s" % (f["wall"], size),
                      "not measured" if not enough else verdict(f["wall"], 5)))
    s = large["summary"]
    lines.append(("summary of 100 M events", "", "%.1f s, %.0f MB of memory, trace %.0f MB, %s" %
                  (s["wall"], s["rss"] / MB, large["bytes"] / MB, size), ""))
    return lines


def targets(data):
    rows = rows_of(data)
    real = [r for r in rows if r.is_real]
    many = [r for r in real if r.events >= MANY_EVENTS]
    start = data.get("startup", {})
    pair = {t: v.get("20", NAN) for t, v in data.get("pairs", {}).items()}
    worst, worst_name = largest((r.name, r.ratio("shim")) for r in real)
    lines = [
        single("exact recording, geomean", "<= 1.10", geomean(r.ratio("shim") for r in real), 1.10, "%.3f"),
        ("CPU added, of what heaptrack's recording adds", "<= 1/6 each",
         *each([(r.name, r.share_of_record()) for r in real], 1 / 6)),
        ("programs under 1 M allocations/s", "<= 1.10 each",
         *each([(r.name, r.ratio("shim")) for r in real if r.allocation_rate() < SLOW_PROGRAM], 1.10)),
        ("worst program", "<= 1.6", "%s (%s)" % (cell(worst), worst_name), verdict(worst, 1.6)),
        single("sampled (SHIM_SAMPLE=512k), geomean", "<= 1.02", geomean(r.ratio("sampled") for r in real), 1.02, "%.3f"),
        single("malloc+free pair at depth 20 over native", "<= 30 ns", pair.get("shim", NAN) - pair.get("native", NAN), 30,
               "%.1f ns"),
        ("CPU sampling at 99 Hz", "<= 1.01", "–", "not there yet"),
        ("uncontended mutex pair over native", "<= 4 ns", "–", "not there yet"),
        ("extra RSS, of 16 MB + 5 %", "<= 1 each", *each([(r.name, r.rss_over("shim")) for r in real], 1)),
        pause_target(data),
        single("trace per million events, geomean", "<= 0.5 MB", geomean(r.per_event("shim") for r in many), 0.5, "%.2f MB"),
        single("start-up of /bin/true", "<= 1 ms added", (start.get("shim", NAN) - start.get("native", NAN)) / 1e3, 1,
               "%.2f ms"),
        single("summary per million events, CPU, geomean", "<= 0.02 s",
               geomean(r.reading_of("summary", "cpu") for r in many if r.events > 1e6), 0.02, "%.4f s"),
    ]
    if "limit" in data:
        limit = data["limit"]
        lines.append(("trace under SHIM_MAX_TRACE=4M", "<= 4 MB", "–" if limit is None else "%.2f MB" % (limit / MB),
                      "not there yet" if limit is None else verdict(limit, 4 * 1024 * 1024)))
    return lines + large_targets(data)


def table_targets(data):
    """All targets of a full run; of one with a few programs or sections what it has measured."""
    lines = targets(data)
    if data.get("is_partial"):
        lines = [line for line in lines if line[3] in ("yes", "no")]
    return ("target", "wanted", "measured", "held"), lines, 2


def notes_of_sizes(rows):
    """Which programs the geomeans of MB/Mev leave out, and what they are over the same programs."""
    real = [r for r in rows if r.is_real]
    few = [r.name for r in real if r.events < MANY_EVENTS]
    result = ["MB/Mev: no figure for %s, with fewer than %d events" % (", ".join(few), MANY_EVENTS)] if few else []
    missing = [r.name for r in real if r.name not in few and r.per_event("heaptrack") != r.per_event("heaptrack")]
    both = [r for r in real if r.name not in few and r.name not in missing]
    if missing and both:
        result.append("MB/Mev: heaptrack has none for %s; over the other %d the geomeans are %s (ours) and %s" %
                      (", ".join(missing), len(both), cell(geomean(r.per_event("shim") for r in both)),
                       cell(geomean(r.per_event("heaptrack") for r in both))))
    return result


def notes(data):
    """What did not run, in sentences."""
    result = list(data.get("notes", [])) + notes_of_sizes(rows_of(data))
    if any(not r.get("heaptrack", 1) for r in data.get("scaling", {}).values()):
        result.append("threads: heaptrack's own command failed")
    for r in rows_of(data):
        for tool in r.tools:
            if r.failed(tool):
                run = next(t for t in r.tools[tool] if t["status"] != 0)
                result.append("%s failed under %s: %s" % (r.name, tool, run.get("said") or "exit status %d" % run["status"]))
    return result
