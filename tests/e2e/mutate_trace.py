#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
mutate_trace.py - the same trace but for a lie: its blocks say another mean distance than the sample had.

usage: mutate_trace.py TRACE OUTPUT FACTOR

Blocks are written anew, and index and footer point to where they are now: nothing but the lie is wrong.
"""
import os
import struct
import sys
import zlib

import zstandard

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "decode"))
from shimfile import FOOTER_MAGIC, HEADER_MAGIC, INDEX_MAGIC, KIND_EVENTS, ZSTD_MAGIC  # noqa: E402

SAMPLE_BYTES_AT = 56
ENTRY = struct.Struct("<QQQIIIIB7x")
FACTS = 24


def skippable(magic, payload):
    return struct.pack("<II", magic, len(payload)) + payload


def crc(payload, end):
    return payload[:12] + struct.pack("<I", zlib.crc32(payload[FACTS:end])) + payload[16:]


def mutated_block(frame, factor):
    block = bytearray(zstandard.ZstdDecompressor().decompress(frame))
    if block[4] == KIND_EVENTS:
        distance, = struct.unpack_from("<Q", block, SAMPLE_BYTES_AT)
        struct.pack_into("<Q", block, SAMPLE_BYTES_AT, round(distance * factor))
    return zstandard.ZstdCompressor(write_checksum=True).compress(bytes(block))


def main(source, output, factor):
    with open(source, "rb") as f:
        data = f.read()
    index_at, footer_at = struct.unpack_from("<QQ", data, len(data) - 24)
    index = data[index_at + 8:footer_at]
    entries = [ENTRY.unpack_from(index, at) for at in range(FACTS, len(index), ENTRY.size)]
    assert struct.unpack_from("<I", data)[0] == HEADER_MAGIC
    new, moved = bytearray(data[:entries[0][0]]), b""
    for entry in entries:
        frame = data[entry[0]:entry[0] + entry[3]]
        assert struct.unpack_from("<I", frame)[0] == ZSTD_MAGIC
        frame = mutated_block(frame, factor)
        moved += ENTRY.pack(len(new), *entry[1:3], len(frame), *entry[4:])
        new += frame
    index = crc(index[:FACTS] + moved, FACTS + len(moved))
    footer = data[footer_at + 8:-24]
    tail = struct.pack("<QQ", len(new), len(new) + 8 + len(index)) + data[-8:]
    with open(output, "wb") as f:
        f.write(new + skippable(INDEX_MAGIC, index) + skippable(FOOTER_MAGIC, footer + tail))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
