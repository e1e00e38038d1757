# SPDX-License-Identifier: MIT
"""
truthlib.py - what the checks of tests/e2e/truth share: run the tool, read its JSON, sum stacks by function.

Imported by check_truth.py, check_counts.py, check_decoder.py and check_kill.py, which are called by shell scripts.
"""
import json
import os
import subprocess
import sys

TOOL = os.environ.get("SHIM_ANALYZE", "build/shim-analyze")
EVERY_ROW = "0"


class Failures:
    """Collects what is wrong, so that one run shows all of it."""

    def __init__(self, what):
        self.what = what
        self.count = 0

    def __call__(self, text):
        self.count += 1
        print(f"{self.what}: {text}")

    def equal(self, name, got, wanted):
        if got != wanted:
            self(f"{name}: report has {got}, truth is {wanted}")

    def exit(self):
        sys.exit(1 if self.count else 0)


def report(command, *traces, options=(), strict=True):
    """The JSON of one command on TRACES. Every row is asked for; STRICT: the exit status must be that of a whole trace."""
    argv = [TOOL, command, "--format", "json", "-n", EVERY_ROW, *options, *traces]
    result = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    try:
        parsed = json.loads(result.stdout)
    except ValueError as error:
        raise SystemExit(f"{' '.join(argv)}: status {result.returncode}, not JSON: {error}\n"
                         f"{result.stderr.decode()}") from error
    wanted = 23 if command == "leaks" and parsed["leaks"] else 0
    if result.returncode != wanted and (strict or result.returncode != 2):
        raise SystemExit(f"{' '.join(argv)}: exit status {result.returncode} instead of {wanted}\n{result.stderr.decode()}")
    return parsed


def is_function(name, function):
    """NAME as the tool shows it is FUNCTION: as it is, or with C++ parameters behind it."""
    return name == function or (name or "").startswith(function + "(")


def rows_with(rows, function):
    """The rows whose stack has FUNCTION in one of its frames."""
    return [row for row in rows if any(is_function(frame.get("function"), function) for frame in row["stack"])]


def count_and_bytes(rows):
    return sum(row["count"] for row in rows), sum(row["bytes"] for row in rows)
