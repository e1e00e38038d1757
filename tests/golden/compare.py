#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
compare.py - compares numbers of two JSON files: every key of WANTED must be the same in GOT.

usage: compare.py WANTED GOT            two outputs of shimdump.py totals, or a truth and totals
       compare.py --summary WANTED GOT  WANTED is shimdump.py totals, GOT the tool's summary as JSON

Prints one line for each difference. Exit status: 0 the same, 1 different (or nothing to compare),
2 usage.
"""
import json
import sys

HEAP = (
    "allocations",
    "frees",
    "reallocations",
    "allocated_bytes",
    "live_bytes",
    "live_count",
    "peak_bytes",
    "peak_count",
    "temporary",
)


def of_summary(report):
    """The numbers of the tool's summary under the names of shimdump.py totals."""
    heap, quality = report["heap"], report["trace"]["quality"]
    numbers = {key: heap[key] for key in HEAP}
    calls = {name: f["calls"] for name, f in heap["by_function"].items()}
    numbers["by_function"] = {name: n for name, n in calls.items() if n}
    numbers.update(threads=report["threads"], events=quality["events"], lost=quality["lost"])
    return numbers


def main(argv):
    summary = argv[1:2] == ["--summary"]
    if len(argv) != 3 + summary:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        with open(argv[-2], encoding="utf-8") as wanted, open(argv[-1], encoding="utf-8") as got:
            wanted, got = json.load(wanted), json.load(got)
        if summary:
            got = of_summary(got)
            wanted = {key: wanted[key] for key in got}
    except (ValueError, KeyError) as error:
        print("nothing to compare: %r" % error)
        return 1
    different = [key for key in wanted if got.get(key) != wanted[key]]
    for key in different:
        print("%s: %s, wanted %s" % (key, json.dumps(got.get(key)), json.dumps(wanted[key])))
    return 1 if different or not wanted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
