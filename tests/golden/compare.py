#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
compare.py - compares numbers of two JSON files: every key of WANTED must be the same in GOT.

usage: compare.py WANTED GOT            two outputs of shimdump.py totals, or a truth and totals
       compare.py --summary WANTED GOT  WANTED is shimdump.py totals, GOT the tool's summary as JSON
       compare.py --leaks WANTED GOT    WANTED is shimdump.py leaks, GOT the tool's leaks as JSON: bytes,
                                        blocks, function, module and offset of every frame

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
    numbers.update(threads=report["threads"])
    for key in ("events", "lost", "unknown_frees", "unended_blocks", "unknown_stacks"):
        numbers[key] = quality[key]
    return numbers


def leaks_of_text(lines):
    """Leaks as shimdump.py prints them: the first line and the frames of each, sorted."""
    leaks = []
    for line in lines:
        if line.startswith(" "):
            leaks[-1].append(line.split(maxsplit=1)[1].strip())
        else:
            leaks.append([line.strip()])
    return sorted(leaks)


def leaks_of_report(report):
    """The same from the tool. Inlined frames are its own affair; the mark of a cut is not in JSON."""
    leaks = []
    for leak in report["leaks"]:
        lines = ["%d bytes in %d blocks by %s" % (leak["bytes"], leak["count"], leak["allocator"])]
        for frame in leak["stack"]:
            if not frame["inlined"]:
                module = frame["module"] + "+" if frame["module"] else ""
                lines.append("%s%#x" % (module, frame["offset"]))
        leaks.append(lines)
    return sorted(leaks)


def compare_leaks(wanted_path, got_path):
    with open(wanted_path, encoding="utf-8") as wanted, open(got_path, encoding="utf-8") as got:
        wanted, got = leaks_of_text(wanted), leaks_of_report(json.load(got))
    wanted = sorted([line for line in leak if line != "..."] for leak in wanted)
    for leak in wanted:
        if leak not in got:
            print("missing: " + " < ".join(leak[:6]))
    for leak in got:
        if leak not in wanted:
            print("too much: " + " < ".join(leak[:6]))
    return 0 if wanted == got and wanted else 1


def main(argv):
    if argv[1:2] == ["--leaks"] and len(argv) == 4:
        return compare_leaks(argv[2], argv[3])
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
