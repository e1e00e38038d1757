#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
make_golden.py - writes the golden traces of a version of the format, the same bytes every time.

usage: make_golden.py DIRECTORY VERSION

Writes DIRECTORY/NAME.zst, its spool where it has one, and NAME.truth.json (see scenes.py, for
version 2 scenes_sampled.py). Files that are no good traces lie in DIRECTORY/damaged. DIRECTORY/list and DIRECTORY/damaged/list name all
with the exit status that the tool must give.
"""
import json
import os
import struct
import sys

sys.dont_write_bytecode = True

import scenes
import scenes_sampled
from scenes import T, a, compressed, every_function, start, write
from tracewriter import columns_payload, pairs, rows_payload, skippable, txt, uv, zstd_frame


def damaged_sampled():
    whole = start(0xDA, "steps", version=2)
    scenes_sampled.steps(whole)
    crooked = start(0xDA, "crooked", version=2)
    scenes_sampled.crooked(crooked)
    steps = start(0xDA, "crooked", version=2)
    scenes_sampled.crooked_steps(steps)
    newer = bytearray(whole.data)
    struct.pack_into("<I", newer, 16, 3)
    return [
        ("newer-version", bytes(newer), 1),
        ("crooked-folded", bytes(crooked.data), 2),
        ("crooked-steps", bytes(steps.data), 2),
        ("cut", bytes(whole.data[: len(whole.data) // 2]), 2),
    ]


def damaged():
    """[(name, bytes, exit status that the tool must give)]"""
    whole = start(0xDA, "columns")
    whole.events(1, every_function(), 2)
    blocks_end = len(whole.data)
    whole.events(1, [a(30, 0x900000, 1)])
    second_end = len(whole.data)
    whole.finish()
    good = bytes(whole.data)
    header = 8 + struct.unpack_from("<I", good, 4)[0]
    first = int.from_bytes(whole.index[0][:8], "little") + int.from_bytes(
        whole.index[0][24:28], "little"
    )

    def flip(at, bit=0):
        return good[:at] + bytes([good[at] ^ 1 << bit]) + good[at + 1 :]

    newer = bytearray(good)
    struct.pack_into("<I", newer, 16, 1000)
    crooked = start(0xDA, "crooked")  # sound frames, impossible blocks
    rows = every_function()
    payload = columns_payload(rows, rows[0].ticks)
    crooked.raw_block(
        2, 2, 1, rows[0].ticks, rows[-1].ticks, 1 << 31, payload
    )  # rows that are not there
    crooked.raw_block(
        2, 2, 1, rows[0].ticks, rows[-1].ticks, len(rows), payload[:-3]
    )  # a column cut off
    crooked.raw_block(2, 1, 1, rows[0].ticks, rows[-1].ticks, len(rows), rows_payload(rows)[:-8])
    crooked.raw_block(1, 0, 0, T, T, 1, uv(1) + uv(1 << 40) + b"\2\2\2")  # a record without its end
    crooked.raw_block(1, 0, 0, T, T, 1, b"\xff" * 11)  # an endless varint
    crooked.events(1, rows)
    crooked.finish()
    big = (
        zstd_frame(b"")[:4]
        + b"\xa4"
        + struct.pack("<I", 1 << 31)
        + good[blocks_end + 9 : second_end]
    )
    return [
        ("empty", b"", 1),
        ("one-byte", b"P", 1),
        ("text", b"This is not a trace.\n" * 40, 1),
        (
            "heaptrack-like",
            b"v 10500 3\nX /bin/true\nI 1000 100\ns 4 main\nt 1 0\n+ 10 1 0\n- 0\n",
            1,
        ),
        ("plain-zstd", zstd_frame(b"hello, world\n" * 100), 1),
        ("skippable-only", skippable(0x184D2A50, b"not ours, but the same frame number"), 1),
        ("newer-version", bytes(newer), 1),
        ("header-only", good[:header], 2),
        ("header-cut", good[: header - 9], 2),
        ("header-29-bytes", good[:29], 1),
        ("header-flip", flip(100), 2),
        ("no-definitions", good[:header] + good[first:], 2),
        ("cut-in-first-block", good[: first - 5], 2),
        ("cut-in-block", good[: blocks_end - 1], 2),
        ("cut-at-block-end", good[:blocks_end], 2),
        ("cut-in-index", good[: second_end + 50], 2),
        ("cut-in-tail", good[:-1], 2),
        ("flip-in-first-block", flip(first - 40, 3), 2),
        ("flip-in-events", flip(first + 120, 7), 2),
        ("flip-in-checksum", flip(blocks_end - 2), 2),
        ("flip-in-index", flip(second_end + 60), 2),
        ("flip-in-footer", flip(len(good) - 60), 2),
        ("flip-in-magic", flip(first, 5), 2),
        ("junk-behind", good + b"junk" * 10, 2),
        ("junk-between", good[:first] + b"junk" * 10 + good[first:], 2),
        ("huge-content-size", good[:blocks_end] + big, 2),
        ("crooked-blocks", bytes(crooked.data), 2),
        (
            "facts-without-end",
            skippable(
                0x184D2A50,
                whole.facts(b"SHIMTRC1", pairs([("program", "x")]) + uv(1 << 30) + txt("x")),
            )
            + good[header:],
            2,
        ),
    ]


def main(argv):
    if len(argv) != 3 or argv[2] not in ("1", "2"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    root, version = argv[1], int(argv[2])
    wanted = scenes if version == 1 else scenes_sampled
    os.makedirs(os.path.join(root, "damaged"), exist_ok=True)
    names = []
    for number, make in enumerate(wanted.GOOD):
        name = make.__name__.replace("_", "-")
        run = 0x5EED0000 + number + (version - 1 << 12)
        t = start(run, name, compress=make is compressed, version=version)
        made = make(t)
        truth, spool = made if isinstance(made, tuple) else (made, None)
        write(os.path.join(root, name + ".zst"), t.data)
        if spool:
            write(os.path.join(root, name + ".zst.spool"), spool.data)
        write(
            os.path.join(root, name + ".truth.json"), (json.dumps(truth, indent=1) + "\n").encode()
        )
        names.append("%d %s\n" % (2 if make in wanted.IMPAIRED else 0, name))
    write(os.path.join(root, "list"), "".join(names).encode())
    names = []
    for name, data, status in damaged() if version == 1 else damaged_sampled():
        write(os.path.join(root, "damaged", name), data)
        names.append("%d %s\n" % (status, name))
    write(os.path.join(root, "damaged", "list"), "".join(names).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
