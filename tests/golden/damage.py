#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
damage.py - hurts a trace in many ways, the same ones every time.

usage: damage.py TRACE DIRECTORY COUNT
           writes DIRECTORY/cut-OFFSET and DIRECTORY/flip-OFFSET-BIT, COUNT of each; frame
           boundaries and their neighbours come first among the cuts
       damage.py --mutate TRACE OUT
           one row of a block in layout 1 has another size; all checksums are right
"""
import os
import random
import struct
import sys

sys.dont_write_bytecode = True
from tracewriter import zstd_frame


def boundaries(data):
    """Offsets of the frames of a sound trace as make_golden.py writes it, one zstd block each."""
    at, out = 0, []
    while at < len(data):
        out.append(at)
        if data[at : at + 4] == b"\x28\xb5\x2f\xfd":
            at += 9 + 3 + (int.from_bytes(data[at + 9 : at + 12], "little") >> 3) + 4
        else:
            at += 8 + struct.unpack_from("<I", data, at + 4)[0]
    return out


def hurt(data, directory, count):
    os.makedirs(directory, exist_ok=True)
    places = random.Random(1)
    cuts = [at + d for at in boundaries(data) for d in (0, 1, -1) if 0 < at + d < len(data)]
    cuts = sorted(
        set(cuts[: count // 2]) | {places.randrange(1, len(data)) for _ in range(count // 2)}
    )
    for at in cuts:
        with open(os.path.join(directory, "cut-%d" % at), "wb") as out:
            out.write(data[:at])
    for _ in range(count):
        at, bit = places.randrange(len(data)), places.randrange(8)
        with open(os.path.join(directory, "flip-%d-%d" % (at, bit)), "wb") as out:
            out.write(data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])


def mutate(data, path):
    for at in boundaries(data):
        content = bytearray(
            data[at + 12 : at + 12 + (int.from_bytes(data[at + 9 : at + 12], "little") >> 3)]
        )
        if data[at : at + 4] == b"\x28\xb5\x2f\xfd" and content[4:6] == b"\2\1":
            content[64 + 16] += 1  # the size of the first row
            frame = zstd_frame(bytes(content))
            with open(path, "wb") as out:
                out.write(data[:at] + frame + data[at + len(frame) :])
            return 0
    print("no block of rows", file=sys.stderr)
    return 1


def main(argv):
    if len(argv) != 4:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with open(argv[2] if argv[1] == "--mutate" else argv[1], "rb") as f:
        data = f.read()
    if argv[1] == "--mutate":
        return mutate(data, argv[3])
    hurt(data, argv[2], int(argv[3]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
