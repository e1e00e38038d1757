#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_counts.py - hold a report against libcount.so, function by function, call by call, byte by byte.

usage: check_counts.py TRACE NESTED ALONE [same]

TRACE and NESTED come from one run with LD_PRELOAD="libcount.so libshim.so", ALONE from a run of the same program with
libcount.so only. In the nested run every library constructor but libcount's has run before libcount's own,
the shim's start-up included. What the program itself had done by then is in ALONE, so the truth is

    early calls of ALONE + later calls of NESTED.

With `same` (a program that does the same in every run) all calls of ALONE are a second truth: the library has
neither made calls of its own through the program's allocator nor kept any from being made. (Calls, not bytes: the
loader's table of thread-local storage has one entry more for each library that has such storage.)
"""
import json
import os
import subprocess
import sys

from truthlib import Failures, report

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "count", "count.py")

# libcount's finer rows, as the format names functions
FREEING = ("free", "free_sized", "free_aligned_sized", "operator delete", "operator delete[]", "dallocx", "sdallocx")
FOLDED = {"realloc_new": "realloc", "realloc_to_zero": "realloc", "reallocarray_new": "reallocarray"}


def counted(path):
    return json.loads(subprocess.run([SCRIPT, path], stdout=subprocess.PIPE, check=True).stdout)


def true_counts(nested, alone):
    late, early = counted(nested)["late"], counted(alone)["early"]
    truth = {key: late[key] + early[key] for key in late if key != "functions"}
    functions = {}
    for part in (late, early):
        for name, (calls, size) in part["functions"].items():
            sums = functions.setdefault(FOLDED.get(name, name), [0, 0])
            sums[0] += calls
            sums[1] += size
    truth["functions"] = {name: sums for name, sums in functions.items() if sums[0]}
    return truth


def main():
    trace, nested, alone, *same = sys.argv[1:]
    fail = Failures(os.path.basename(trace))
    whole = report("summary", trace)
    heap, truth = whole["heap"], true_counts(nested, alone)
    # In the report a reallocation is an allocation, too.
    fail.equal("allocations", heap["allocations"], truth["allocations"] + truth["reallocations"])
    fail.equal("reallocations", heap["reallocations"], truth["reallocations"])
    fail.equal("frees", heap["frees"], truth["frees"])
    fail.equal("allocated bytes", heap["allocated_bytes"], truth["allocated_bytes"] + truth["reallocated_bytes"])
    # The report knows how large the blocks were that a function freed; that truth is not counted.
    functions = {name: [row["calls"], row["bytes"] * (name not in FREEING)]
                 for name, row in heap["by_function"].items() if row["calls"]}
    for name in sorted(set(functions) | set(truth["functions"])):
        fail.equal(f"calls and bytes of {name}", functions.get(name), truth["functions"].get(name))
    if same:
        for name, (calls, _) in true_counts(alone, alone)["functions"].items():
            if truth["functions"].get(name, [0])[0] != calls:
                fail(f"{name} was called {truth['functions'].get(name, [0])[0]} times, without the library {calls} times")
    if whole["trace"]["quality"]["lost"] or not whole["trace"]["complete"]:
        fail("the report is not complete")
    if not truth["allocations"]:
        fail("nothing was counted")
    print(f"{os.path.basename(trace)}: {truth['allocations']} allocations, {truth['reallocations']} reallocations, "
          f"{truth['frees']} frees, {truth['allocated_bytes'] + truth['reallocated_bytes']} bytes")
    fail.exit()


if __name__ == "__main__":
    main()
