#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench_doc.py BUILD/bench.json docs/performance.md - puts the tables of a full run into the document.

What stands between the two marks is replaced, nothing else.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures  # noqa: E402
import tables  # noqa: E402

BEGIN = "<!-- made by make bench-doc: do not edit by hand -->"
END = "<!-- end of what make bench-doc makes -->"


def results(data):
    parts = [tables.about(data) + "."]
    parts.append("### Targets\n\n" + tables.as_markdown(figures.table_targets(data)))
    parts += ["### %s\n\n%s" % block for block in tables.blocks(data, tables.as_markdown)]
    if tables.startup(data):
        parts.append(tables.startup(data) + ".")
    notes = figures.notes(data)
    if notes:
        parts.append("\n".join("- " + note.strip() for note in notes))
    return "\n\n".join(parts)


def main():
    source, path = sys.argv[1:3]
    with open(source, encoding="utf-8") as f:
        data = json.load(f)
    if data.get("is_partial"):
        sys.exit("bench_doc: %s holds a few programs or sections only: run make bench" % source)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    with open(path, "w", encoding="utf-8") as f:
        f.write(before + BEGIN + "\n\n" + results(data) + "\n\n" + END + after)


if __name__ == "__main__":
    main()
