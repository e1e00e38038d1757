#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_sample.py - do the intervals of estimates hold the truth as often as they say?

usage: check_sample.py SOURCE RUNS FACTOR

Runs the program of SOURCE once without a sample, which must be what its `truth:` lines say, and RUNS times under
SHIM_SAMPLE. Of each figure the truth must lie in the reported interval in 90 % to 99 % of the runs, and the mean of the
estimates must be the truth, but for four times its own standard error. The same program with the argument `clean` must
have no leak in any run. FACTOR, if not 1, is written into the traces instead of what is there, times the mean distance
(mutate_trace.py): the check must fail then.

With 200 runs each figure must be covered in 90 % of them and all figures together in 90 % to 99 %. (The 99 % are not asked
of one figure: where 3 % are missed, 200 runs have one miss or none with 2 %.) Fewer runs say less: then a figure fails
where one that is covered with 95 % would fail once in 10,000 times, and all together may be covered in 99.7 %.
"""
import concurrent.futures
import math
import os
import re
import subprocess
import sys
import tempfile

from truthlib import Failures, report, rows_with

PROGRAMS = os.environ["PROGRAMS"]
LIBRARY = os.environ["SHIM_LIB"]
DISTANCE = 8192
WORKERS = 2
ENOUGH = 200
# Most of this number are blocks of a few bytes, each seen once in thousands of times: see "Estimates" in
# docs/user-guide.md. Counted among all figures, and its mean must be right.
RARELY_SEEN = "reallocations"
CERTAIN = 1e-4  # so near to the truth is all that is far larger than the mean distance
NEARLY_CERTAIN = 1e-3  # the few runs that would miss a block which nearly all have are not among 200
ROUNDED = 0.5  # reports have whole numbers: that much even the mean of many may be off
RARE = 1e-4  # chance that a sound figure fails
MUTATE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mutate_trace.py")


def trace_of(program, trace, argument=None, distance=None):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHIM_")}
    environment.update(LD_PRELOAD=LIBRARY, SHIM_OUTPUT=trace)
    if distance:
        environment["SHIM_SAMPLE"] = str(distance)
    subprocess.run([program] + ([argument] if argument else []), env=environment, check=True)
    return trace


def truth_lines(source):
    """{(command, function): (count, bytes)} of those that leave something."""
    lines = {}
    with open(source, encoding="utf-8") as text:
        for command, function, count, size in re.findall(r"truth: (leak|allocs) (\S+) (\d+) (\d+)", text.read()):
            lines["leaks" if command == "leak" else command, function] = int(count), int(size)
    return lines


def estimate(row, name):
    """(value, low, high) of NAME in a row of JSON; exact values are their own limits."""
    return row[name], row.get(name + "_low", row[name]), row.get(name + "_high", row[name])


def site_sum(rows, name):
    """
    Of the only row, or what all make together. Independent sums: their deviations add up by squares. Only one allocator
    and one stack is behind each function that is asked for, so there is one row per thread at most.
    """
    found = [estimate(row, name) for row in rows]
    value = sum(f[0] for f in found)
    low = value - math.sqrt(sum((f[0] - f[1]) ** 2 for f in found))
    high = value + math.sqrt(sum((f[2] - f[0]) ** 2 for f in found))
    return value, low, high


def figures(trace, lines):
    """{name: (value, low, high)} of one trace."""
    heap = report("summary", trace)["heap"]
    found = {name: estimate(heap, name) for name in ("allocations", "allocated_bytes", "frees", "reallocations")}
    reports = {command: report(command, trace) for command in ("leaks", "allocs")}
    unfreed = reports["leaks"]["totals"]["unfreed"]
    found["leaked bytes"], found["leaked blocks"] = estimate(unfreed, "bytes"), estimate(unfreed, "count")
    for command, function in lines:
        rows = rows_with(reports[command]["leaks" if command == "leaks" else "sites"], function)
        for name in ("bytes", "count"):
            found[f"{command} {function} {name}"] = site_sum(rows, name)
    return found


def least_by_chance(runs):
    """In how many of RUNS at least a figure is covered whose intervals are right, but for once in 10,000 times."""
    def at_most(k, p):
        return sum(math.comb(runs, i) * p ** i * (1 - p) ** (runs - i) for i in range(k + 1))

    return next(k for k in range(runs + 1) if at_most(k, 0.95) > RARE)


def limits(runs):
    """In how many of RUNS a figure must be covered at least, and in what share of all they may be together."""
    return (math.ceil(0.9 * runs), 0.99) if runs >= ENOUGH else (least_by_chance(runs), 0.997)


class Coverage:
    """One figure over all runs."""

    def __init__(self, truth):
        self.truth = truth
        self.values = []
        self.covered = 0

    def add(self, value, low, high):
        self.values.append(value)
        self.covered += low <= self.truth <= high

    def is_certain(self):
        return all(abs(value - self.truth) <= CERTAIN * self.truth for value in self.values)

    def spread(self):
        """The standard deviation of the estimates."""
        mean = sum(self.values) / len(self.values)
        return math.sqrt(sum((value - mean) ** 2 for value in self.values) / (len(self.values) - 1))

    def deviations(self):
        """The mean of the estimates minus the truth, in standard errors of that mean."""
        n = len(self.values)
        off = sum(self.values) / n - self.truth
        off -= math.copysign(min(abs(off), ROUNDED + NEARLY_CERTAIN * self.truth), off)
        return off / (self.spread() or ROUNDED) * math.sqrt(n)


def judge(coverages, runs, fail, rarely_seen, least=None, is_biased=lambda name: False):
    """
    RARELY_SEEN: of a name and its coverage, 1 if a lower coverage is known. LEAST: instead of that of limits(). IS_BIASED: of
    a name, 1 if the mean of its estimates is known not to be the truth.
    """
    low, most = limits(runs)
    low = least or low
    estimates = {name: c for name, c in coverages.items() if not c.is_certain()}
    for name, c in estimates.items():
        deviations = c.deviations()
        print(f"{name}: {c.covered} of {runs} intervals, mean off by {deviations:+.1f} standard errors, "
              f"one run by {100 * c.spread() / c.truth if c.truth else math.inf:.0f} %")
        if not c.truth:
            fail(f"{name}: there is none, but {max(c.values)} were reported")
        elif c.covered < low and not rarely_seen(name, c):
            fail(f"{name}: the truth lies in {c.covered} of {runs} intervals, at least {low} are due")
        if abs(deviations) > 4 and not is_biased(name):
            fail(f"{name}: the mean of the estimates is {deviations:+.1f} standard errors off {c.truth}")
    share = sum(c.covered for c in estimates.values()) / (runs * len(estimates)) if estimates else 0
    print(f"{len(estimates)} figures: {100 * share:.2f} % of all intervals hold the truth")
    if not 0.90 <= share <= most:
        fail(f"the truth lies in {100 * share:.2f} % of all intervals instead of 90 to {100 * most:.1f} %")


def main(source, runs, factor):
    fail = Failures("sample")
    program = os.path.join(PROGRAMS, os.path.splitext(os.path.basename(source))[0])
    lines = truth_lines(source)

    def one(number):
        trace = trace_of(program, os.path.join(folder, f"{number}.zst"), distance=DISTANCE)
        if factor != 1:
            subprocess.run([MUTATE, trace, trace + ".mutant", str(factor)], check=True)
            os.replace(trace + ".mutant", trace)
        found = figures(trace, lines)
        os.unlink(trace)
        if factor != 1:
            return found, 0
        clean = trace_of(program, trace + ".clean", "clean", DISTANCE)
        left = report("leaks", clean)["totals"]["unfreed"]["count"]
        os.unlink(clean)
        return found, left

    with tempfile.TemporaryDirectory() as folder:
        exact = figures(trace_of(program, os.path.join(folder, "exact.zst")), lines)
        for (command, function), (count, size) in lines.items():
            fail.equal(f"{command} {function}", (exact[f"{command} {function} count"][0],
                                                 exact[f"{command} {function} bytes"][0]), (count, size))
        coverages = {name: Coverage(value[0]) for name, value in exact.items()}
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for found, left in pool.map(one, range(runs)):
                for name, value in found.items():
                    coverages[name].add(*value)
                if left:
                    fail(f"{left} leaks of a program that frees everything")
    judge(coverages, runs, fail, lambda name, _: name == RARELY_SEEN)
    fail.exit()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
