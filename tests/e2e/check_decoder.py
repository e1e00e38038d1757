#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_decoder.py - hold the tool's totals against those of the second decoder, which shares no code with it.

usage: check_decoder.py TRACE...
"""
import json
import os
import subprocess
import sys

from truthlib import Failures, report

DECODER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "decode", "shimdump.py")
SAME = ("allocations", "reallocations", "allocated_bytes", "live_bytes", "live_count", "peak_bytes", "peak_count",
        "temporary")


def main():
    fail = Failures("")
    for trace in sys.argv[1:]:
        fail.what = os.path.basename(trace)
        heap = report("summary", trace)["heap"]
        second = json.loads(subprocess.run(["/usr/bin/python3", DECODER, "totals", trace], stdout=subprocess.PIPE,
                                           check=True).stdout)
        for key in SAME:
            fail.equal(key, heap[key], second[key])
        fail.equal("frees", heap["frees"], second["frees"])
        functions = {name: row["calls"] for name, row in heap["by_function"].items() if row["calls"]}
        fail.equal("functions", functions, second["by_function"])
        if not second["events"]:
            fail("no events")
        print(f"{fail.what}: {second['events']} events, peak {second['peak_bytes']} bytes in {second['peak_count']}")
    fail.exit()


if __name__ == "__main__":
    main()
