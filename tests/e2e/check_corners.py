#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_corners.py - programs/budget_corners, which does what is hard for a small budget: the trace keeps to it, nothing is
lost, each report tells the steps, and no block that was freed looks like a leak.

usage: check_corners.py corners|reports|forks|kill

  corners  each thing that it does, alone, under other allocators and with SHIM_SAMPLE beside the budget
  reports  every command says what was given up and when
  forks    each process of a program that forks has a budget of its own
  kill     killed at random: nothing that was committed before is lost
"""
import glob
import os
import random
import subprocess
import sys
import time

from check_budget import BARE_NOTE, check_decoder, check_steps, largest_size, steps_of
from truthlib import Failures, TOOL, count_and_bytes, report, rows_with

PROGRAM, LIBRARY = os.path.join(os.environ["PROGRAMS"], "budget_corners"), os.environ["SHIM_LIB"]
LEAK_EARLY = (10, 770)
FREED = ("block", "begin_block", "grow_block")
JEMALLOC, TCMALLOC = "libjemalloc.so.2", "libtcmalloc_minimal.so.4"

# what, count, budget, least step, further settings
CORNERS = (
    ("torn", 300000, "1m", 3, {}),
    ("torn", 300000, "128k", 3, {}),
    ("torn", 300000, "128k", 3, {"SHIM_SAMPLE": "200"}),
    ("tiny", 300000, "256k", 3, {}),
    ("tiny", 300000, "256k", 3, {"LD_PRELOAD": JEMALLOC}),
    ("tiny", 300000, "256k", 3, {"LD_PRELOAD": TCMALLOC}),
    ("threads", 3000, "128k", 3, {}),
    ("threads", 3000, "128k", 3, {"SHIM_SAMPLE": "1k"}),
    ("threads", 30000, "128k", 3, {}),
    ("crowd", 10000, "1m", 3, {}),
    ("crowd", 10000, "1m", 3, {"SHIM_SAMPLE": "200"}),
    ("handed", 500000, "128k", 3, {}),
    ("handed", 500000, "1m", 2, {}),
    ("handed", 500000, "256k", 3, {"LD_PRELOAD": JEMALLOC}),
    ("handed", 500000, "128k", 1, {"SHIM_SAMPLE": "2k"}),
    ("grown", 300000, "128k", 3, {}),
    ("grown", 300000, "1m", 3, {}),
    ("grown", 300000, "256k", 3, {"LD_PRELOAD": JEMALLOC}),
    ("grown", 300000, "256k", 3, {"SHIM_SAMPLE": "2k"}),
    ("maps", 400000, "128k", 3, {}),
    ("fails", 600000, "128k", 3, {}),
)
KILLED = ("torn", "tiny", "threads", "handed", "grown")
# These make so much that is no block that at last it is left out.
BARE = (("maps", 400000), ("fails", 600000), ("threads", 30000))
COMMANDS = ("summary", "leaks", "peak", "allocs", "temporary", "sizes", "lifetimes", "threads", "timeline", "info")


def start(what, count, trace, budget, settings):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHIM_")}
    environment.update(settings, SHIM_OUTPUT=trace, SHIM_MAX_TRACE=budget)
    environment["LD_PRELOAD"] = ":".join(filter(None, (LIBRARY, settings.get("LD_PRELOAD"))))
    return subprocess.Popen([PROGRAM, what, str(count)], env=environment)


def bytes_of(budget):
    return int(budget[:-1]) << (10 if budget.endswith("k") else 20)


def check_size(fail, size, budget):
    if size > bytes_of(budget):
        fail(f"the file had {size} bytes")


def check_leaks(fail, trace, is_sampled):
    leaks = report("leaks", trace)["leaks"]
    for name in FREED:
        fail.equal(f"leaks at {name}", count_and_bytes(rows_with(leaks, name)), (0, 0))
    if not is_sampled:
        fail.equal("leak_early", count_and_bytes(rows_with(leaks, "leak_early")), LEAK_EARLY)


def run(what, count, budget, settings, name="run"):
    trace = os.path.abspath(f"{name}.zst")
    if os.path.exists(trace):
        os.unlink(trace)
    child = start(what, count, trace, budget, settings)
    largest = largest_size(child, trace)
    if child.wait():
        raise SystemExit(f"{what} {count}: status {child.returncode}")
    return trace, max(largest, os.path.getsize(trace))


def check_corners(fail):
    for what, count, budget, least, settings in CORNERS:
        fail.what = f"{what} {count}, SHIM_MAX_TRACE={budget} {' '.join(settings.values())}".strip()
        trace, largest = run(what, count, budget, settings)
        check_size(fail, largest, budget)
        last = check_steps(trace, fail)
        if last < least:
            fail(f"ends with step {last}")
        check_leaks(fail, trace, "SHIM_SAMPLE" in settings)
        notes = report("summary", trace)["trace"]["quality"]["notes"]
        warnings = sum(BARE_NOTE in note for note in notes)
        if what != "threads" or (what, count) in BARE:
            fail.equal("warnings of what is left out", warnings, int((what, count) in BARE))
        if warnings:
            check_decoder(trace, fail)
        print(f"{fail.what}: {largest} bytes, step {last}")


def check_reports(fail):
    trace = run("handed", 500000, "128k", {})[0]
    wanted = [f"from {seconds:.3f} s on" for seconds, step in steps_of(trace) if step < 3]
    fail.equal("steps before the sample", len(wanted), 2)
    for command in COMMANDS:
        fail.what = command
        text = subprocess.run([TOOL, command, trace], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                              text=True).stdout
        notes = [line for line in text.splitlines() if "to stay within SHIM_MAX_TRACE" in line]
        fail.equal("notes of steps", len(notes), 3)
        for when in wanted:
            if not any(when in note for note in notes):
                fail(f"no note says '{when}'")
    sampled = min(seconds for seconds, step in steps_of(trace) if step == 3)
    for form in ("html", "svg"):
        fail.what = f"flamegraph, {form}"
        subprocess.run([TOOL, "flamegraph", "-o", f"flame.{form}", trace], check=True)
        with open(f"flame.{form}", encoding="utf-8") as page:
            if f"from {sampled:.3f} s on only a sample" not in page.read():
                fail("the page does not say when the sample began")


def check_forks(fail):
    for path in glob.glob("fork.*.zst*"):
        os.unlink(path)
    child = start("forks", 40000, os.path.abspath("fork.%p.zst"), "128k", {})
    if child.wait():
        raise SystemExit(f"forks: status {child.returncode}")
    traces = glob.glob("fork.*.zst")
    fail.equal("traces", len(traces), 4)
    for trace in traces:
        fail.what = "parent" if f".{child.pid}." in trace else "child"
        check_size(fail, os.path.getsize(trace), "128k")
        fail.equal("last step", check_steps(trace, fail), 3)
        check_leaks(fail, trace, fail.what == "child")
    print(f"forks: {sorted(os.path.getsize(trace) for trace in traces)} bytes")


def check_kill(fail):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    dice = random.Random(seed)
    for number in range(16):
        what, budget = dice.choice(KILLED), dice.choice(("128k", "1m"))
        fail.what = f"kill {number}, {what}, SHIM_MAX_TRACE={budget}"
        trace = os.path.abspath(f"kill.{number}.zst")
        child = start(what, 1000000, trace, budget, {})
        largest = largest_size(child, trace, time.monotonic() + dice.uniform(0.03, 0.5))
        child.kill()
        child.wait()
        if not os.path.exists(trace):
            continue
        largest = max(largest, os.path.getsize(trace))
        check_size(fail, largest, budget)
        last = check_steps(trace, fail)
        # What lives is no leak of this program, but the early ones are there once they were made.
        early = count_and_bytes(rows_with(report("leaks", trace)["leaks"], "leak_early"))
        if last and early != LEAK_EARLY:
            fail(f"leak_early has {early}")
        print(f"{fail.what}: {largest} bytes, step {last}")


def main(what):
    fail = Failures(what)
    {"corners": check_corners, "reports": check_reports, "forks": check_forks, "kill": check_kill}[what](fail)
    fail.exit()


if __name__ == "__main__":
    main(sys.argv[1])
