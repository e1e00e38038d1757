#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_truth.py - hold a report against the truth that a program's first comment states.

usage: check_truth.py SOURCE MAIN_TRACE [OTHER_TRACE...]

Lines `truth: KIND ...` in SOURCE; the first trace is that of the process which was started:
  leak FUNCTION COUNT BYTES        unfreed blocks with FUNCTION on their stack
  leak-in FILES FUNCTION COUNT BYTES   exactly so many of all traces have exactly that
  allocs FUNCTION COUNT BYTES      all allocations with FUNCTION on their stack
  temporary FUNCTION COUNT         temporary ones
  peak FUNCTION COUNT BYTES        alive at the peak
  peak-total BYTES                 the peak of the whole process
  sites FUNCTION COUNT             different stacks among the leaks
  thread NAME COUNT                allocations of the thread of that name
  files COUNT                      number of traces
  truncated                        the report says that stacks were cut
  may-be-incomplete                (first of all) the report may have status 2, as something may be missing
`valgrind` is for another check.
"""
import re
import sys

from truthlib import Failures, count_and_bytes, report, rows_with


class Checks:
    def __init__(self, traces, fail):
        self.traces = traces
        self.fail = fail
        self.cache = {}
        self.strict = True

    def rows(self, command, trace=None):
        key = command, trace or self.traces[0]
        if key not in self.cache:
            self.cache[key] = report(command, key[1], strict=self.strict)
        return self.cache[key]["leaks" if command == "leaks" else "sites"]

    def sum_over(self, command, function, trace=None):
        return count_and_bytes(rows_with(self.rows(command, trace), function))

    def may_be_incomplete(self):
        self.strict = False

    def leak(self, function, count, size):
        self.fail.equal(f"leak {function}", self.sum_over("leaks", function), (int(count), int(size)))

    def leak_in(self, files, function, count, size):
        wanted = int(count), int(size)
        found = sum(self.sum_over("leaks", function, trace) == wanted for trace in self.traces)
        self.fail.equal(f"files with leak {function} {count} {size}", found, int(files))

    def allocs(self, function, count, size):
        self.fail.equal(f"allocs {function}", self.sum_over("allocs", function), (int(count), int(size)))

    def temporary(self, function, count):
        self.fail.equal(f"temporary {function}", self.sum_over("temporary", function)[0], int(count))

    def peak(self, function, count, size):
        self.fail.equal(f"peak {function}", self.sum_over("peak", function), (int(count), int(size)))

    def peak_total(self, size):
        self.fail.equal("peak", report("summary", self.traces[0])["heap"]["peak_bytes"], int(size))

    def sites(self, function, count):
        stacks = {tuple((frame.get("module"), frame.get("offset")) for frame in row["stack"])
                  for row in rows_with(self.rows("leaks"), function)}
        self.fail.equal(f"sites {function}", len(stacks), int(count))

    def thread(self, name, count):
        found = [row["allocations"] for row in report("threads", self.traces[0])["threads"] if row["name"] == name]
        self.fail.equal(f"thread {name}", found, [int(count)])

    def files(self, count):
        self.fail.equal("files", len(self.traces), int(count))

    def truncated(self):
        if report("summary", self.traces[0])["trace"]["quality"]["truncated_stacks"] < 1:
            self.fail("the report does not say that stacks were cut")


def truths(source):
    with open(source, encoding="utf-8") as f:
        lines = re.findall(r"^(?: \*|//!) (truth: .*)$", f.read(), re.M)
    return [part.split(None, 1) + [""] for line in lines for part in line.split("truth: ")[1:]]


def main():
    source, *traces = sys.argv[1:]
    fail = Failures(source.rsplit("/", 1)[-1])
    checks = Checks(traces, fail)
    lines = [(kind.strip(), arguments.split()) for kind, arguments, *_ in truths(source)]
    lines = [line for line in lines if line[0] != "valgrind"]
    if not lines:
        raise SystemExit(f"{source}: states no truth")
    for kind, arguments in lines:
        getattr(checks, kind.replace("-", "_"))(*arguments)
    fail.exit()


if __name__ == "__main__":
    main()
