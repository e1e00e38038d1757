#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench.py - what `make bench` runs: native, libshim and heaptrack over real programs, interleaved, as ratios.

Every round runs each program once under each tool, one after the other, beginning with another tool each time. Short
programs get more rounds. It measures, prints and never judges by its exit status: a benchmark is not a test.

What was measured goes to BUILD/bench.json, complete; figures.py makes tables of it, and bench_doc.py the ones in
docs/performance.md.
"""
import argparse
import datetime
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures  # noqa: E402
import micro  # noqa: E402
import reading  # noqa: E402
import runs  # noqa: E402
import tables  # noqa: E402
import workloads  # noqa: E402

SECTIONS = ("programs", "pairs", "pauses", "scaling", "startup", "large", "limit")
SHORT_RUN = 1.2              # a program of less CPU seconds gets EXTRA times as many rounds, without the slow command
EXTRA = 3
PARTS_FROM = 200e3           # events a CPU second from which libraries that stop partway are worth a run


def turn(order, index):
    """ORDER, beginning at another place in each round."""
    at = index % len(order)
    return order[at:] + order[:at]


class Program:
    """Measures one row."""

    def __init__(self, bench, workload, tools):
        self.bench, self.workload = bench, workload
        self.order = [t for t in tools if bench.can_run(t)]
        self.tools = {t: [] for t in self.order}
        self.reading = None

    def least(self, tool):
        return min(r["cpu"] for r in self.tools[tool])

    def is_worth(self, tool, index, rounds):
        runs_so_far = self.tools[tool]
        if runs_so_far and runs_so_far[-1]["status"] != 0:
            return False # it failed; it would again
        if tool == "heaptrack":
            return index < rounds
        if tool in runs.PARTS and index and self.reading:
            return self.reading["events"] / self.least("native") >= PARTS_FROM
        return True

    def round(self, index, rounds):
        # the first round in order: native and shim tell what of the rest is worth a run
        for tool in turn(self.order, index):
            if not self.is_worth(tool, index, rounds):
                continue
            result, base = runs.run(self.bench, self.workload, tool, index)
            self.tools[tool].append(result)
            if tool == "shim" and not self.reading:
                traces = sorted(glob.glob(base + "*.zst"))
                self.reading = reading.summary(self.bench, traces)
                if self.reading["events"] >= figures.MANY_EVENTS:
                    self.reading.update(reading.views(self.bench, traces))
            runs.remove(base)

    def measure(self, rounds, is_quick):
        for index in range(rounds):
            self.round(index, rounds)
        if not is_quick and self.least("native") < SHORT_RUN:
            for index in range(rounds, rounds * EXTRA):
                self.round(index, rounds)
        return {"name": self.workload.name, "tools": self.tools, "reading": self.reading}


def machine():
    def first(path, key):
        with open(path, encoding="utf-8") as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith(key)), "?")
    return "%s, %d cores, kernel %s" % (first("/proc/cpuinfo", "model name"), os.cpu_count(), os.uname().release)


def commit():
    def git(*arguments):
        return subprocess.run(("git",) + arguments, capture_output=True, text=True, check=False).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "preload", "analyzer", "include")
    return (git("rev-parse", "--short", "HEAD") or "?") + (" with changes" if changed else "")


def limited(bench):
    """Bytes of a trace that may not become larger than 4 MB, None if the library knows no such limit."""
    if not bench.knows("SHIM_MAX_TRACE=4M"):
        return None
    base = os.path.join(bench.folder, "limit")
    env = {"PATH": os.environ["PATH"], "LD_PRELOAD": bench.lib, "SHIM_OUTPUT": base + ".zst", "SHIM_MAX_TRACE": "4M"}
    subprocess.run([os.path.join(bench.programs, "bench_calls"), "2", "10000000", "rate"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    size = sum(os.path.getsize(f) for f in glob.glob(base + "*"))
    runs.remove(base)
    return size


def say(text):
    print("  " + text, file=sys.stderr, flush=True)


def measure(bench, options, data):
    rounds, is_quick = options.rounds, options.quick
    scale = 10 if is_quick else 1
    steps = {
        "pairs": lambda: micro.pairs(bench, rounds, 2000000 // scale),
        "pauses": lambda: micro.pauses(bench, rounds, 5000000 // scale),
        "scaling": lambda: micro.scaling(bench, rounds, 6000000 // scale),
        "startup": lambda: micro.startup(bench, rounds * 2, 60 // scale),
        "large": lambda: reading.large(bench, 100000000 // scale),
        "limit": lambda: limited(bench),
    }
    if "programs" in options.sections:
        for workload in workloads.make(bench.folder, bench.programs):
            if options.only and workload.name not in options.only:
                continue
            begin = time.time()
            row = Program(bench, workload, options.tools).measure(rounds, is_quick)
            data["programs"].append(row)
            say("%s: %.0f s" % (workload.name, time.time() - begin))
    for name, step in steps.items():
        if name in options.sections:
            begin = time.time()
            data[name] = step()
            say("%s: %.0f s" % (name, time.time() - begin))


def arguments():
    parser = argparse.ArgumentParser(description="what make bench runs")
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("BENCH_ROUNDS") or 0))
    parser.add_argument("--only", default=os.environ.get("BENCH_ONLY"), help="comma-separated names of programs; nothing else runs")
    parser.add_argument("--sections", help="comma-separated, of " + ",".join(SECTIONS))
    parser.add_argument("--tools", default=",".join(runs.TOOLS))
    parser.add_argument("--quick", action="store_true", default=bool(os.environ.get("BENCH_QUICK")))
    parser.add_argument("--show", action="store_true", help="print the tables of BUILD/bench.json, measure nothing")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.only = options.only.split(",") if options.only else None
    options.sections = (options.sections or ("programs" if options.only else ",".join(SECTIONS))).split(",")
    options.tools = ["native"] + [t for t in options.tools.split(",") if t != "native"]
    return options


def main():
    options = arguments()
    out = os.path.join(options.build, "bench.json")
    if options.show:
        with open(out, encoding="utf-8") as f:
            tables.print_all(json.load(f))
        return
    folder = tempfile.mkdtemp(prefix="shim-bench-")
    begin = time.time()
    try:
        bench = runs.Bench(options.build, folder)
        data = {"machine": machine(), "commit": commit(), "date": datetime.date.today().isoformat(), "rounds": options.rounds,
                "load": os.getloadavg()[0], "notes": [], "programs": [],
                "is_partial": bool(options.only) or set(options.sections) != set(SECTIONS)}
        if not bench.can_run("sampled"):
            data["notes"].append("sampled: this library does not know SHIM_SAMPLE")
        measure(bench, options, data)
        data["seconds"] = round(time.time() - begin)
        data["load_end"] = os.getloadavg()[0]
        with open(out, "w", encoding="utf-8") as f:
            json.dump(data, f, indent=1)
        tables.print_all(data)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
