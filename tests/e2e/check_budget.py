#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_budget.py - a trace keeps to its budget, says what it gave up, and what it says is still true.

usage: check_budget.py size|exact|sampled|kill

  size     the file, looked at while it grows, is never larger than SHIM_MAX_TRACE; nothing is lost, nothing damaged
  exact    in steps 1 and 2 all totals and leaks are what they are without a budget
  sampled  in step 3 the truth is where the estimates say, and no block that was freed looks like a leak
  kill     the same limits after SIGKILL

bench_many counts what it does itself. Of other programs the `truth:` lines are asked (check_truth.py).
"""
import json
import os
import random
import re
import subprocess
import sys
import time

from truthlib import Failures, TOOL, count_and_bytes, report, rows_with

PROGRAMS, LIBRARY, SRC = os.environ["PROGRAMS"], os.environ["SHIM_LIB"], os.environ["SRC"]
HERE = os.path.dirname(os.path.abspath(__file__))
LEAKS = ("leak_first", "leak_middle", "leak_last", "leak_always")
STEPS = re.compile(r"^ *(\S+)s step (\d) \((\w+)\) at \S+ of trace(?:, one in (\S+))?$", re.MULTILINE)
BARE_NOTE = "are no longer recorded, to stay within SHIM_MAX_TRACE"
FAR = 3  # widths of half an interval: nearly six deviations


def start(command, trace, budget):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SHIM_")}
    environment.update(LD_PRELOAD=LIBRARY, SHIM_OUTPUT=trace, SHIM_MAX_TRACE=str(budget))
    return subprocess.Popen([os.path.join(PROGRAMS, command[0])] + command[1:], env=environment,
                            stdout=subprocess.PIPE, text=True)


def largest_size(child, trace, until=None):
    """Of TRACE while CHILD runs, or until that time."""
    largest = 0
    while child.poll() is None and (until is None or time.monotonic() < until):
        if os.path.exists(trace):
            largest = max(largest, os.path.getsize(trace))
        time.sleep(0.001)
    return largest


def run(command, budget, name="run"):
    """(trace, output, largest size seen)"""
    trace = os.path.abspath(f"{name}.zst")
    if os.path.exists(trace):
        os.unlink(trace)
    child = start(command, trace, budget)
    largest = largest_size(child, trace)
    output = child.communicate()[0]
    if child.returncode:
        raise SystemExit(f"{command}: status {child.returncode}")
    return trace, output, max(largest, os.path.getsize(trace))


def steps_of(trace):
    """[(seconds, step)] as `info` lists them."""
    text = subprocess.run([TOOL, "info", trace], stdout=subprocess.PIPE, check=True, text=True).stdout
    return [(float(at), int(step)) for at, step, _, _ in STEPS.findall(text)]


def truth_of(output):
    """What bench_many says of itself: {name: (blocks, bytes)}"""
    return {name: (int(blocks), int(size)) for name, blocks, size in (line.split() for line in output.splitlines())}


def check_steps(trace, fail):
    """All places tell the same steps, in order. The last step."""
    steps, quality = steps_of(trace), report("summary", trace)["trace"]["quality"]
    numbers = [step for _, step in steps]
    if numbers != sorted(numbers) or numbers.count(1) > 1 or numbers.count(2) > 1:
        fail(f"steps {numbers}")
    if numbers and sorted(set(numbers)) != list(range(1, numbers[-1] + 1)):
        fail(f"a step is missing: {numbers}")
    notes = [note for note in quality["notes"] if "to stay within SHIM_MAX_TRACE" in note and BARE_NOTE not in note]
    fail.equal("notes of steps", len(notes), len(set(numbers)))
    began = quality.get("degraded_from_ns")
    if bool(steps) != (began is not None) or steps and abs(began / 1e9 - steps[0][0]) > 1e-5:
        fail(f"degraded_from_ns {began}, steps {steps}")
    fail.equal("lost", quality["lost"], 0)
    return numbers[-1] if numbers else 0


def check_size(fail):
    reached = set()
    for budget, threads, millions in (("256k", 1, 2), ("256k", 16, 2), ("1m", 1, 4), ("1m", 16, 4), ("4m", 1, 2),
                                      ("4m", 16, 2)):
        fail.what = f"SHIM_MAX_TRACE={budget}, {threads} threads"
        limit = int(budget[:-1]) << (10 if budget.endswith("k") else 20)
        trace, _, largest = run(["bench_many", str(millions), str(threads)], budget)
        if largest > limit:
            fail(f"the file had {largest} bytes of {limit}")
        last = check_steps(trace, fail)
        reached.add(last)
        if largest < limit / 2 and last:
            fail(f"step {last}, but only {largest} bytes of {limit}")
        print(f"{fail.what}: {largest} of {limit} bytes, step {last}")
    if reached != {2, 3} and reached != {1, 2, 3}:
        fail(f"these runs end in steps {reached}")


def budgets_for(command, step):
    """A budget with which STEP is the last one: the largest of some that grow smaller."""
    whole = os.path.getsize(run(command, 0)[0])
    for tenths in range(30, 9, -1):
        budget = max(whole * tenths // 10, 128 << 10)
        trace = run(command, budget)[0]
        steps = steps_of(trace)
        if steps and steps[-1][1] == step:
            return trace, budget
    raise SystemExit(f"{command}: no budget ends with step {step}")


def check_decoder(trace, fail):
    if subprocess.run([os.path.join(HERE, "check_decoder.py"), trace], stdout=subprocess.PIPE, check=False).returncode:
        fail("the second decoder reads something else")


def check_exact(fail):
    for threads in ("1", "16"):
        command = ["bench_many", "1", threads]
        plain, output, _ = run(command, 0, "plain")
        truth, wanted = truth_of(output), report("summary", plain)["heap"]
        for step in (1, 2):
            fail.what = f"step {step}, {threads} threads"
            trace, budget = budgets_for(command, step)
            check_steps(trace, fail)
            heap, leaks = report("summary", trace)["heap"], report("leaks", trace)["leaks"]
            for key in ("allocations", "allocated_bytes", "frees", "reallocations", "live_bytes", "live_count",
                        "by_function"):
                fail.equal(key, heap[key], wanted[key])
            for name in LEAKS:
                fail.equal(name, count_and_bytes(rows_with(leaks, name)), truth[name])
            fail.equal("leaks at_depth", count_and_bytes(rows_with(leaks, "at_depth")), (0, 0))
            if any(key.endswith("_low") and not key.startswith("peak") for key in heap):
                fail("exact numbers come as estimates")
            if step == 2 and not heap.get("folded"):
                fail("nothing is folded")
            check_decoder(trace, fail)
            print(f"{fail.what}: exact with {budget} bytes")
    for name in ("threads_take_turns", "sample_mix"):
        fail.what = name
        trace, budget = budgets_for([name], 2)
        check_steps(trace, fail)
        if subprocess.run([os.path.join(HERE, "check_truth.py"), os.path.join(SRC, "tests/programs", name + ".c"), trace],
                          check=False).returncode:
            fail("the truth is another")
        print(f"{name}: exact with {budget} bytes")


def check_in_range(fail, name, row, key, truth):
    """Not much farther off than the interval is wide; 1 if the truth is in it."""
    value, low, high = (row.get(key + end, row[key]) for end in ("", "_low", "_high"))
    if not value - FAR * (value - low) <= truth <= value + FAR * (high - value):
        fail(f"{name} {key}: {value} ({low}..{high}), truth is {truth}")
    return low <= truth <= high


def check_sampled(fail):
    inside = 0
    runs = [(threads, number) for threads in ("1", "16") for number in range(6)]
    for threads, number in runs:
        fail.what = f"step 3, {threads} threads, run {number}"
        trace, output, _ = run(["bench_many", "3", threads], "1m")
        fail.equal("last step", check_steps(trace, fail), 3)
        truth, heap = truth_of(output), report("summary", trace)["heap"]
        inside += check_in_range(fail, "total", heap, "allocated_bytes", truth["allocated"][1])
        check_in_range(fail, "total", heap, "allocations", truth["allocated"][0])
        # Frees of what was recorded before the sample began are seen, and so are those of sampled blocks.
        leaks = report("leaks", trace)["leaks"]
        fail.equal("leaks at_depth", count_and_bytes(rows_with(leaks, "at_depth")), (0, 0))
        first = rows_with(leaks, "leak_first")
        fail.equal("leak_first", count_and_bytes(first), truth["leak_first"])
        if any("bytes_low" in row and row["bytes_low"] != row["bytes_high"] for row in first):
            fail("leak_first was before the sample, and is an estimate")
        if number == 0:
            check_decoder(trace, fail)
    # 95 % of 12 are 11.4; 7 or fewer have a chance of 1 in 6,000 at 95 %, and are certain with what is lost in chunks
    print(f"the bytes allocated lie in {inside} of {len(runs)} intervals")
    if inside < 8:
        fail(f"the bytes allocated lie in only {inside} of {len(runs)} intervals")


def check_kill(fail):
    seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    dice = random.Random(seed)
    for number in range(10):
        threads, budget = dice.choice((1, 16)), dice.choice((256, 1024))
        fail.what = f"kill {number}, {threads} threads, {budget}k"
        trace = os.path.abspath(f"kill.{number}.zst")
        child = start(["bench_many", "1000", str(threads)], trace, f"{budget}k")
        largest = largest_size(child, trace, time.monotonic() + dice.uniform(0.05, 0.6))
        child.kill()
        child.communicate()
        if not os.path.exists(trace):
            continue
        largest = max(largest, os.path.getsize(trace))
        if largest > budget << 10:
            fail(f"the file had {largest} bytes")
        # Status 0: a killed trace with its spool is whole. bench_many frees at the end only, so leaks are no matter here.
        summary = subprocess.run([TOOL, "summary", "--format", "json", trace], stdout=subprocess.PIPE, check=False)
        lost = json.loads(summary.stdout)["trace"]["quality"]["lost"]
        if summary.returncode != (2 if lost else 0):
            fail(f"status {summary.returncode} with {lost} lost events")
        print(f"{fail.what}: {largest} bytes, {steps_of(trace)[-1:]}, {lost} lost")


def main(what):
    fail = Failures(what)
    {"size": check_size, "exact": check_exact, "sampled": check_sampled, "kill": check_kill}[what](fail)
    fail.exit()


if __name__ == "__main__":
    main(sys.argv[1])
