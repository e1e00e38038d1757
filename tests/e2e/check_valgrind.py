#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_valgrind.py - what is unfreed at the end is what valgrind's memcheck says, in blocks and in bytes.

usage: check_valgrind.py XML TRACE

The sum over definitely, indirectly and possibly lost and still reachable, but for the loader's own blocks: its tables
have entries for each library loaded, valgrind's or ours included.
"""
import os
import re
import sys
import xml.etree.ElementTree

from truthlib import Failures, report

LOADER = "/ld-linux"


def judged(path):
    """Blocks and bytes of all leaks in valgrind's XML."""
    blocks = size = 0
    for error in xml.etree.ElementTree.parse(path).getroot().iter("error"):
        what = error.find("xwhat")
        if what is None or what.find("leakedblocks") is None:
            continue
        callers = [frame.findtext("obj") or "" for frame in error.find("stack")]
        # the first frames are valgrind's own calloc
        innermost = next(obj for obj in callers if "vgpreload" not in obj)
        if LOADER not in innermost:
            blocks += int(what.find("leakedblocks").text)
            # "80 (40 direct, 40 indirect) bytes in ...": the indirect ones have records of their own
            direct = re.search(r"\(([\d,]+) direct", what.findtext("text"))
            size += int(direct[1].replace(",", "")) if direct else int(what.find("leakedbytes").text)
    return blocks, size


def reported(trace):
    rows = report("leaks", trace)
    loader = [row for row in rows["suppressions"] if row["template"] == "builtin:ld.so"]
    loader += [row for row in rows["leaks"] if LOADER in (row["stack"][0]["module"] or "")]
    total = report("summary", trace)["heap"]
    return (total["live_count"] - sum(row["count"] for row in loader),
            total["live_bytes"] - sum(row["bytes"] for row in loader))


def main():
    fail = Failures(os.path.basename(sys.argv[2]))
    truth = judged(sys.argv[1])
    fail.equal("blocks and bytes unfreed", reported(sys.argv[2]), truth)
    if not truth[0]:
        fail("valgrind saw nothing, so this proves nothing")
    print(f"{fail.what}: {truth[0]} blocks, {truth[1]} bytes")
    fail.exit()


if __name__ == "__main__":
    main()
