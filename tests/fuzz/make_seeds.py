#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
make_seeds.py - seeds for fuzz_trace out of traces.

usage: make_seeds.py DIRECTORY TRACE...

Each trace gives DIRECTORY/NAME as it is, and DIRECTORY/NAME.sections in the form whose checksums
fuzz_trace.c makes right again: 'R', then per part u8 type, u24 length, content. A spool beside the
trace is a section of the second.
"""
import os
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "decode"))

import zstandard

from shimfile import FOOTER_MAGIC, HEADER_MAGIC, INDEX_MAGIC, ZSTD_MAGIC

BLOCK, HEADER, INDEX, FOOTER, SPOOL, RAW = range(6)


def frames(data):
    """(magic, start, end) as far as the file is whole."""
    at = 0
    while len(data) - at >= 8:
        magic, length = struct.unpack_from("<II", data, at)
        if magic == ZSTD_MAGIC:
            end = at + 5 + (1, 2, 4, 8)[data[at + 4] >> 6] + (not data[at + 4] >> 5 & 1)
            last = 0
            while not last and len(data) - end >= 3:
                head = int.from_bytes(data[end : end + 3], "little")
                last, end = head & 1, end + 3 + (1 if head >> 1 & 3 == 1 else head >> 3)
            end += 4
        else:
            end = at + 8 + length
        if end > len(data):
            break
        yield magic, at, end
        at = end
    if at < len(data):
        yield 0, at, len(data)


def section(kind, content):
    return bytes([kind]) + len(content).to_bytes(3, "little") + content


def sections(data, spool):
    out = b"R"
    for magic, start, end in frames(data):
        if magic == ZSTD_MAGIC:
            out += section(BLOCK, zstandard.ZstdDecompressor().decompress(data[start:end]))
        elif magic == HEADER_MAGIC:
            out += section(HEADER, data[start + 32 : end])
        elif magic == INDEX_MAGIC:
            out += section(INDEX, data[start + 32 : end])
        elif magic == FOOTER_MAGIC:
            out += section(FOOTER, data[start + 32 : end - 24])
        else:
            out += section(RAW, data[start:end])
    return out + (section(SPOOL, spool) if spool else b"")


def main(argv):
    if len(argv) < 3:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    os.makedirs(argv[1], exist_ok=True)
    for path in argv[2:]:
        with open(path, "rb") as f:
            data = f.read()
        spool = b""
        if os.path.exists(path + ".spool"):
            with open(path + ".spool", "rb") as f:
                spool = f.read()
        name = os.path.join(argv[1], os.path.basename(path))
        with open(name, "wb") as out:
            out.write(data)
        with open(name + ".sections", "wb") as out:
            out.write(sections(data, spool))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
