#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_scale.py - a long run under a budget: the file is never larger, what stays exact is exact, what is estimated is right.

usage: check_scale.py MILLIONS BUDGET THREADS

Runs bench_many with MILLIONS of events under SHIM_MAX_TRACE=BUDGET. The file and its spool are looked at while they grow.
Exact to the end are what was lost before the sample began and the peak, which lies there too (how much higher one that no
sample saw may be is left open); the rest must be where the intervals say. A table of size, steps, CPU and the cost of reading is printed, and nothing of it is asserted but sizes.
"""
import os
import resource
import subprocess
import sys
import time

from check_budget import LEAKS, PROGRAMS, STEPS, TOOL, check_in_range, check_steps, start, truth_of
from truthlib import Failures, count_and_bytes, report, rows_with

CREST = 64  # MiB
LOOK_EVERY = 0.002
# What docs/user-guide.md says of the spool: for each thread, and what it begins and grows with.
SPOOL_FIRST, SPOOL_GROWS, SPOOL_THREAD = 128 << 10, 1 << 20, 288 << 10


def bytes_of(budget):
    return int(budget[:-1]) << {"k": 10, "m": 20}[budget[-1]]


def size_of(path):
    try:
        return os.path.getsize(path)
    except FileNotFoundError:
        return 0


def children_cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def native_cpu(command):
    before = children_cpu()
    subprocess.run([os.path.join(PROGRAMS, command[0])] + command[1:], stdout=subprocess.DEVNULL, check=True)
    return children_cpu() - before


def watch(command, trace, budget):
    """(output, CPU seconds, largest size of the trace, of the spool)"""
    before = children_cpu()
    child = start(command, trace, budget)
    largest = spool = 0
    while child.poll() is None:
        largest, spool = max(largest, size_of(trace)), max(spool, size_of(trace + ".spool"))
        time.sleep(LOOK_EVERY)
    output = child.communicate()[0]
    if child.returncode:
        raise SystemExit(f"{command}: status {child.returncode}")
    return output, children_cpu() - before, max(largest, size_of(trace)), spool


def reading(trace):
    """(CPU seconds, peak memory in MB) of a summary."""
    pid = os.posix_spawn(TOOL, [TOOL, "summary", "--format", "json", "-o", trace + ".json", trace], os.environ)
    _, status, usage = os.wait4(pid, 0)
    if status:
        raise SystemExit(f"summary {trace}: status {status}")
    os.unlink(trace + ".json")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def check_report(fail, trace, truth):
    fail.equal("last step", check_steps(trace, fail), 3)
    heap, leaks = report("summary", trace)["heap"], report("leaks", trace)["leaks"]
    check_in_range(fail, "total", heap, "allocated_bytes", truth["allocated"][1])
    check_in_range(fail, "total", heap, "allocations", truth["allocated"][0])
    fail.equal("leak_first", count_and_bytes(rows_with(leaks, "leak_first")), truth["leak_first"])
    fail.equal("leaks at_depth", count_and_bytes(rows_with(leaks, "at_depth")), (0, 0))
    for name in LEAKS[1:]:
        rows = rows_with(leaks, name)
        print(f"  {name}: {count_and_bytes(rows)} of {truth[name]}" if rows else f"  {name}: in no sample")
        if len(rows) == 1:
            check_in_range(fail, name, rows[0], "bytes", truth[name][1])
    # A coarse sample can show a higher peak than the true one: then its range must hold that.
    if heap["sample_bytes"] < CREST << 18:
        fail.equal("peak", (heap["peak_bytes"], heap["peak_bytes_low"]), (truth["peak"][1], truth["peak"][1]))
    else:
        low, high = heap.get("peak_bytes_low", heap["peak_bytes"]), heap.get("peak_bytes_high", heap["peak_bytes"])
        if low > truth["peak"][1] or high is not None and high < truth["peak"][1]:
            fail(f"peak {low}..{high}, truth is {truth['peak'][1]}")
    return heap


def main(millions, budget, threads):
    fail = Failures(f"{millions} M events, SHIM_MAX_TRACE={budget}, {threads} threads")
    command = ["bench_many", str(millions), str(threads), str(CREST)]
    trace = os.path.abspath("scale.zst")
    print(f"{fail.what}:")
    output, cpu, largest, spool = watch(command, trace, budget)
    native = native_cpu(command)
    truth = truth_of(output)
    events = 2 * truth["allocated"][0]
    if largest > bytes_of(budget):
        fail(f"the file had {largest} bytes of {bytes_of(budget)}")
    allowed = SPOOL_FIRST + SPOOL_GROWS * (1 + (threads + 1) * SPOOL_THREAD // SPOOL_GROWS)
    if spool > allowed:
        fail(f"the spool had {spool} bytes, {allowed} are told")
    heap = check_report(fail, trace, truth)
    seconds, memory = reading(trace)
    print(f"  {events / 1e6:.0f} M events, file {largest} bytes ({100 * largest / bytes_of(budget):.1f} %), spool {spool}, "
          f"{heap['samples']} samples")
    print(f"  CPU {1e9 * cpu / events:.1f} ns an event, native {1e9 * native / events:.1f}; summary {seconds:.2f} s, "
          f"{1e3 * seconds / (events / 1e6):.2f} ms a million, {memory:.0f} MB")
    text = subprocess.run([TOOL, "info", trace], stdout=subprocess.PIPE, check=True, text=True).stdout
    for at, step, name, distance in STEPS.findall(text):
        print(f"  {float(at):8.3f} s step {step} ({name}) {distance}")
    fail.exit()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
