#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Read the files of libcount.so: count.py FILE... prints one JSON object.

calls and bytes of every function, the sums over them in the words of shim-analyze's summary, and both
for the calls before the library's constructor ("early"). Several files are added up.
"""
import json
import struct
import sys

ALLOCATING = ("malloc", "calloc", "realloc_new", "reallocarray_new", "posix_memalign", "aligned_alloc", "memalign",
              "valloc", "pvalloc", "operator new", "operator new[]", "mallocx")
RESIZING = ("realloc", "reallocarray", "rallocx", "xallocx")
FREEING = ("free", "free_sized", "free_aligned_sized", "operator delete", "operator delete[]", "realloc_to_zero",
           "dallocx", "sdallocx")


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    magic, rows, pid = struct.unpack_from("<8sII", data, 0)
    if magic != b"COUNT001":
        raise SystemExit(f"{path}: not a file of libcount.so")
    table = {}
    for i in range(rows):
        name, *values = struct.unpack_from("<24s4Q", data, 16 + i * 56)
        table[name.rstrip(b"\0").decode()] = values
    return pid, table


def sums(functions, early):
    at = 0 if early else 2

    def total(names, what):
        return sum(functions[name][at + what] for name in names)

    return {
        "allocations": total(ALLOCATING, 0),
        "allocated_bytes": total(ALLOCATING, 1),
        "reallocations": total(RESIZING, 0),
        "reallocated_bytes": total(RESIZING, 1),
        "frees": total(FREEING, 0),
        "functions": {name: values[at:at + 2] for name, values in functions.items() if any(values)},
    }


def main():
    functions = {}
    for path in sys.argv[1:]:
        _, table = read(path)
        for name, values in table.items():
            old = functions.setdefault(name, [0] * 4)
            functions[name] = [a + b for a, b in zip(old, values)]
    if not functions:
        raise SystemExit("usage: count.py FILE...")
    print(json.dumps({"late": sums(functions, False), "early": sums(functions, True)}))


if __name__ == "__main__":
    main()
