#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
png_colors.py - the different colours on a straight line of a PNG picture, one "#rrggbb" a line.

usage: png_colors.py FILE X0 Y0 X1 Y1      both ends within the picture

Reads what browsers write: 8 bits a channel, RGB or RGBA, not interlaced.
"""
import struct
import sys
import zlib


def unfilter(raw, width, height, size):
    """The rows of a picture of SIZE bytes a pixel (PNG specification, section 9)."""
    rows, before, step = [], bytes(width * size), width * size + 1
    for y in range(height):
        kind, line = raw[y * step], bytearray(raw[y * step + 1 : (y + 1) * step])
        for i in range(len(line)):
            a = line[i - size] if i >= size else 0
            b = before[i]
            c = before[i - size] if i >= size else 0
            if kind == 4:
                p = a + b - c
                guess = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            else:
                guess = (0, a, b, (a + b) // 2)[kind]
            line[i] = (line[i] + guess) & 255
        rows.append(bytes(line))
        before = rows[-1]
    return rows


def main(argv):
    with open(argv[1], "rb") as file:
        png = file.read()
    x0, y0, x1, y1 = map(int, argv[2:6])
    at, data, width, height, size = 8, b"", 0, 0, 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
            size = {2: 3, 6: 4}[color]
            assert depth == 8
        elif kind == b"IDAT":
            data += body
        at += length + 12
    rows = unfilter(zlib.decompress(data), width, height, size)
    steps = max(abs(x1 - x0), abs(y1 - y0), 1)
    seen = {}
    for i in range(steps + 1):
        x, y = x0 + (x1 - x0) * i // steps, y0 + (y1 - y0) * i // steps
        seen["#%02x%02x%02x" % tuple(rows[y][x * size : x * size + 3])] = True
    print("\n".join(seen))


if __name__ == "__main__":
    main(sys.argv)
