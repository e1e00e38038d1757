#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_estimates.py - do the intervals of a sampled real program hold the truth as often as they say?

usage: check_estimates.py NAME RUNS DISTANCE INPUT COMMAND...

Runs COMMAND with standard input from INPUT three times without a sample and RUNS times with SHIM_SAMPLE=DISTANCE. Looked at
are all numbers of `summary` and bytes and number of the top sites of `leaks`, `peak` and `allocs`: those that have at least
SEEN times the distance, so that hardly any run misses them; one that it does miss is not covered. The truth is what the
exact runs say, from the least to the most where they differ. How often each figure must be covered: check_sample.py, but
one of so many that is right may have fewer than 90 % of 200 by chance (with 177 it happens once in 10,000 times). There are
two exceptions, both told in "Estimates" in docs/user-guide.md: numbers of blocks most of which hardly any sample holds, and
what the peak is made of, for a sample may show another moment than the true one. Nor is the mean of peaks the truth.
"""
import concurrent.futures
import os
import subprocess
import sys
import tempfile

from check_sample import Coverage, WORKERS, estimate, judge, least_by_chance, site_sum
from truthlib import Failures, report

LIBRARY = os.environ["SHIM_LIB"]
EXACT_RUNS = 3
TOP = 5
SEEN = 8  # exp(-8): one run in 3,000
RARE_SPREAD = 0.25  # a number that is so far off in one run rests on very few samples
LISTS = {"leaks": "leaks", "peak": "sites", "allocs": "sites"}
NUMBERS = ("allocations", "frees", "reallocations", "allocated_bytes", "live_bytes", "live_count", "peak_bytes", "peak_count",
           "temporary")


def stack_of(row):
    return tuple((f.get("function"), f.get("offset"), f.get("module")) for f in row["stack"])


class Recorder:
    """Runs the program, and reads its trace."""

    def __init__(self, folder, source, command):
        self.folder, self.source, self.command = folder, source, command
        self.count = 0

    def trace(self, name, distance):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("SHIM_")}
        path = os.path.join(self.folder, name)
        environment.update(LD_PRELOAD=LIBRARY, SHIM_OUTPUT=path, SHIM_SAMPLE=str(distance), SHIM_EVENTS="heap")
        with open(self.source, "rb") as source:
            subprocess.run(self.command, env=environment, stdin=source, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
        return path

    def read(self, name, distance):
        """(the heap of summary, {command: {stack: rows}}) of one run."""
        trace = self.trace(name, distance)
        rows = {}
        for command, key in LISTS.items():
            rows[command] = {}
            for row in report(command, trace)[key]:
                rows[command].setdefault(stack_of(row), []).append(row)
        heap = report("summary", trace)["heap"]
        os.unlink(trace)
        return heap, rows


def figures(run, tops):
    heap, rows = run
    found = {name: estimate(heap, name) for name in NUMBERS if name in heap}
    for command, number, stack in tops:
        for name in ("bytes", "count"):
            found[f"{command} {number} {name}"] = site_sum(rows[command].get(stack, []), name)
    return found


def top_sites(run, distance):
    """[(command, number, stack)] of the largest that hardly any sample misses."""
    tops = []
    for command, stacks in run[1].items():
        sizes = sorted(((sum(row["bytes"] for row in rows), stack) for stack, rows in stacks.items()), key=lambda s: -s[0])
        found = [stack for size, stack in sizes if size >= SEEN * distance][:TOP]
        tops += [(command, number + 1, stack) for number, stack in enumerate(found)]
    return tops


class Ranged(Coverage):
    """A truth that differs a little from run to run."""

    def __init__(self, least, most):
        super().__init__((least + most) / 2)
        self.least, self.most = least, most

    def add(self, value, low, high):
        self.values.append(value)
        self.covered += high is None or low <= self.most and high >= self.least


def is_exception(name, coverage):
    if name == "peak_count" or name.startswith("peak "):
        return True
    return not name.endswith("bytes") and coverage.spread() > RARE_SPREAD * coverage.truth


def main(name, runs, distance, source, command):
    fail = Failures(name)
    with tempfile.TemporaryDirectory() as folder:
        recorder = Recorder(folder, source, command)
        exact = [recorder.read(f"exact{i}.zst", 0) for i in range(EXACT_RUNS)]
        tops = top_sites(exact[0], distance)
        for list_name in LISTS:
            found = sum(command_of == list_name for command_of, _, _ in tops)
            print(f"{name}: {found} sites of {list_name}")
        truths = [figures(run, tops) for run in exact]
        coverages = {}
        for figure in truths[0]:
            values = [truth[figure][0] for truth in truths]
            coverages[figure] = Ranged(min(values), max(values))
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for run in pool.map(lambda i: recorder.read(f"{i}.zst", distance), range(runs)):
                for figure, value in figures(run, tops).items():
                    coverages[figure].add(*value)
    judge({figure: c for figure, c in coverages.items() if c.truth}, runs, fail, is_exception, least_by_chance(runs),
          lambda figure: figure.startswith("peak"))
    fail.exit()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
