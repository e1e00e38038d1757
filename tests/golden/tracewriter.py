# SPDX-License-Identifier: MIT
"""
tracewriter.py - writes traces byte by byte as docs/trace-format.md says, for golden traces and fuzz
seeds.

The same input gives the same bytes everywhere: frames are zstd frames of raw blocks, with the
checksum computed here, so that no version of libzstd has a say (`compress=True` asks for real
compression, whose bytes are libzstd's).
"""
import struct
import zlib
from collections import namedtuple

Row = namedtuple("Row", "ticks op func addr size stack extra", defaults=(0, 0, 0))
U64 = (1 << 64) - 1
HEADER, INDEX, FOOTER = 0x184D2A50, 0x184D2A51, 0x184D2A52
ALLOCS, ENDS = (1, 4), (2, 3)


def xxh64(data, seed=0):
    """XXH64, the checksum of zstd frames (xxHash specification 0.1.1)."""
    p1, p2, p3, p4, p5 = (
        0x9E3779B185EBCA87,
        0xC2B2AE3D27D4EB4F,
        0x165667B19E3779F9,
        0x85EBCA77C2B2AE63,
        0x27D4EB2F165667C5,
    )

    def rotate(x, r):
        return ((x << r) | (x >> (64 - r))) & U64

    def mix(acc, lane):
        return rotate((acc + lane * p2) & U64, 31) * p1 & U64

    at, size = 0, len(data)
    if size >= 32:
        acc = [(seed + p1 + p2) & U64, (seed + p2) & U64, seed, (seed - p1) & U64]
        while size - at >= 32:
            acc = [mix(a, lane) for a, lane in zip(acc, struct.unpack_from("<4Q", data, at))]
            at += 32
        h = sum(rotate(a, r) for a, r in zip(acc, (1, 7, 12, 18))) & U64
        for a in acc:
            h = ((h ^ mix(0, a)) * p1 + p4) & U64
    else:
        h = (seed + p5) & U64
    h = (h + size) & U64
    while size - at >= 8:
        h = (rotate(h ^ mix(0, struct.unpack_from("<Q", data, at)[0]), 27) * p1 + p4) & U64
        at += 8
    if size - at >= 4:
        h = (rotate(h ^ struct.unpack_from("<I", data, at)[0] * p1 & U64, 23) * p2 + p3) & U64
        at += 4
    for byte in data[at:]:
        h = rotate(h ^ byte * p5 & U64, 11) * p1 & U64
    h = (h ^ h >> 33) * p2 & U64
    h = (h ^ h >> 29) * p3 & U64
    return h ^ h >> 32


def zstd_frame(content, compress=False):
    if compress:
        import zstandard

        return zstandard.ZstdCompressor(
            level=3, write_checksum=True, write_content_size=True
        ).compress(content)
    out = bytearray(
        struct.pack("<IBI", 0xFD2FB528, 0xA4, len(content))
    )  # single segment, 4-byte size, checksum
    starts = range(0, max(len(content), 1), 128 << 10)
    for start in starts:
        part = content[start : start + (128 << 10)]
        out += (len(part) << 3 | (start == starts[-1])).to_bytes(3, "little") + part
    return bytes(out + struct.pack("<I", xxh64(content) & 0xFFFFFFFF))


def skippable(magic, payload):
    return struct.pack("<II", magic, len(payload)) + payload


def uv(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    return bytes(out + bytes([n]))


def zz(n):
    """zigzag of a difference of two u64, by its shorter way round."""
    n = (n + (1 << 63)) % (1 << 64) - (1 << 63)
    return ((n << 1) ^ (n >> 63)) & U64


def txt(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return uv(len(raw)) + raw


def pairs(facts):
    return b"".join(txt(k) + txt(v) for k, v in facts)


def rows_payload(rows):
    return b"".join(
        struct.pack("<QQQIBBH", r.ticks, r.addr, r.size & U64, r.stack, r.op, r.func, r.extra)
        for r in rows
    )


def local_pairs(rows):
    """Row numbers of local allocations and, for local ends, of the allocation that they end."""
    open_at, ends = {}, {}
    for i, r in enumerate(rows):
        if r.op in ALLOCS:
            open_at[r.addr] = i
        elif r.op in ENDS and r.addr in open_at:
            ends[i] = open_at.pop(r.addr)
    return set(ends.values()), ends


def columns_payload(
    rows, begin, local=True, addressed=False, time_shift=0, addr_shift=4, other_columns=()
):
    begun, ends = local_pairs(rows) if local else (set(), {})
    shapes, codes, back, given, other, times = {}, b"", b"", b"", b"", b""
    numbers, previous, at = {}, [0, 0], begin >> time_shift
    for i, r in enumerate(rows):
        is_local = i in begun or i in ends
        mark = (0xC0 if addressed and i in begun else 0x80) if is_local else 0
        code = shapes.setdefault((r.op | mark, r.func, r.extra, r.stack, r.size & U64), len(shapes))
        codes += uv(code)
        if i in begun:
            numbers[i] = len(numbers)
        elif i in ends:
            back += uv(len(numbers) - 1 - numbers[ends[i]])
        if r.op != 6 and (not is_local or mark == 0xC0):
            first = r.op in (1, 4, 7)
            shift = addr_shift if first else 0
            part = uv(zz((r.addr >> shift) - previous[not first]))
            previous[not first] = r.addr >> shift
            given, other = (given + part, other) if first else (given, other + part)
        times += uv((r.ticks >> time_shift) - at)
        at = r.ticks >> time_shift
    table, stack = uv(len(shapes)), 0
    for op, func, extra, node, size in shapes:
        table += bytes([op, func]) + uv(extra) + uv(zz(node - stack)) + uv(size)
        stack = node
    columns = [
        (1, table),
        (2, codes),
        (3, back),
        (4, bytes([addr_shift]) + given),
        (5, b"\0" + other),
        (6, bytes([time_shift]) + times),
        *other_columns,
    ]
    return (
        bytes([len(columns)])
        + b"".join(bytes([i]) + uv(len(c)) for i, c in columns)
        + b"".join(c for _, c in columns)
    )


class _NearFar:
    """Two columns of addresses; `freed` as in the specification, None: no ranks."""

    def __init__(self, shift, freed):
        self.shift, self.freed, self.previous = shift, freed, 0
        self.near, self.far = bytes([shift]), b""

    def add(self, addr, ranks=True):
        if ranks and self.freed and addr in self.freed[-112:]:
            at = len(self.freed) - 1 - self.freed[::-1].index(addr)
            self.near += bytes([128 + len(self.freed) - 1 - at])
            del self.freed[at]
        else:
            distance = zz((addr >> self.shift) - self.previous)
            size = (distance.bit_length() + 7) // 8
            self.near += bytes([distance if distance < 128 else 239 + size])
            self.far += distance.to_bytes(size, "little") if distance >= 128 else b""
        self.previous = addr >> self.shift


def _stamps(ticks, begin, shift):
    out, at, run, last = bytes([shift]), begin >> shift, 0, 0
    for now in ticks:
        if now >> shift != at:
            distance = (now >> shift) - at
            out += uv(distance << 1) if run == last else uv(run << 1 | 1) + uv(distance)
            at, last, run = now >> shift, run, 0
        run += 1
    return out


def steps_payload(
    rows, begin, local=True, addressed=False, time_shift=0, addr_shift=4, stamps=False,
    other_columns=(),
):
    """Layout 2 in its second form."""
    begun, ends = local_pairs(rows) if local else (set(), {})
    shapes, kinds, steps, ranks, live, freed, end = {}, {}, b"", b"", [], [], None
    given, other = _NearFar(addr_shift, freed), _NearFar(0, None)
    for i, r in enumerate(rows):
        is_local = i in begun or i in ends
        mark = (0xC0 if addressed and i in begun else 0x80) if is_local else 0
        shape = (r.op | mark, r.func, r.extra, r.stack, r.size & U64)
        rank = len(live) - 1 - live.index(ends[i]) if i in ends else 0
        if i in ends and shape == end:
            steps += uv(rank << 1 | 1)
        else:
            steps += uv(2 * shapes[shape] + 2 if shape in shapes else 0)
            shapes.setdefault(shape, len(shapes))
            kinds.setdefault(shape[:3], len(kinds))
            ranks += uv(rank) if i in ends else b""
        if i in begun:
            live.append(i)
        if i in ends:
            live.remove(ends[i])
            end = shape
        if r.op in (1, 4, 7) and (not is_local or addressed):
            given.add(r.addr, r.op != 7)
        elif r.op not in (1, 4, 6, 7) and not is_local:
            other.add(r.addr)
        if r.op in (2, 3) and (not is_local or addressed):
            freed.append(r.addr)
    stacks = [0] + [s[3] for s in shapes]
    ticks = [begin] + [r.ticks for r in rows]
    plain = b"".join(
        uv((b >> time_shift) - (a >> time_shift)) for a, b in zip(ticks, ticks[1:])
    )
    columns = [
        (
            8,
            uv(len(kinds))
            + uv(len(shapes))
            + b"".join(bytes(k[:2]) + uv(k[2]) for k in kinds)
            + b"".join(uv(kinds[s[:3]]) for s in shapes)
            + b"".join(uv(zz(b - a)) for a, b in zip(stacks, stacks[1:]))
            + b"".join(uv(s[4]) for s in shapes),
        ),
        (9, steps),
        (10, ranks),
        (11, given.near),
        (12, given.far),
        (13, other.near),
        (14, other.far),
        (15, _stamps(ticks[1:], begin, time_shift)) if stamps else (6, bytes([time_shift]) + plain),
        *other_columns,
    ]
    columns = [c for c in columns if c[1]]
    return (
        bytes([len(columns)])
        + b"".join(bytes([i]) + uv(len(c)) for i, c in columns)
        + b"".join(c for _, c in columns)
    )


Kind = namedtuple(
    "Kind",
    "func end_func extra end_extra stack size count temporary live",
    defaults=(0, 0),
)


def folded_column(kinds, crest, most=None):
    """Column 7. `most`: most bytes that the folded blocks had alive at one time, None: not told."""
    out, stack = uv(len(kinds)), 0
    for k in kinds:
        out += bytes([k.func, k.end_func]) + uv(k.extra) + uv(k.end_extra) + uv(zz(k.stack - stack))
        out += uv(k.size) + uv(k.count) + uv(k.temporary) + uv(k.live)
        stack = k.stack
    return out + uv(crest) + (b"" if most is None else uv(most))


class Defs:
    """Records of one block of definitions."""

    def __init__(self):
        self.bytes, self.count, self.stack_id, self.stack_pc = b"", 0, 0, 0

    def record(self, kind, body):
        self.bytes += uv(kind) + uv(len(body)) + body
        self.count += 1
        return self

    def stack(self, ident, parent, pc, exact=0, more=b""):
        body = (
            uv(ident - self.stack_id)
            + uv(ident - parent)
            + uv(zz(pc - self.stack_pc) << 1 | exact)
            + more
        )
        self.stack_id, self.stack_pc = ident, pc
        return self.record(1, body)

    def load(self, ident, ticks, bias, path, build_id, segments, more=b""):
        return self.record(
            2,
            uv(ident)
            + uv(ticks)
            + uv(bias)
            + txt(path)
            + txt(build_id)
            + uv(len(segments))
            + b"".join(uv(v) + uv(s) + uv(f) for v, s, f in segments)
            + more,
        )

    def unload(self, ident, ticks):
        return self.record(3, uv(ident) + uv(ticks))

    def thread(self, index, ticks, tid, creator=0, stack=0, name=""):
        return self.record(4, uv(index) + uv(ticks) + uv(tid) + uv(creator) + uv(stack) + txt(name))

    def thread_name(self, index, ticks, name):
        return self.record(5, uv(index) + uv(ticks) + txt(name))

    def thread_end(self, index, ticks):
        return self.record(6, uv(index) + uv(ticks))

    def clock(self, ticks, mono_ns):
        return self.record(7, uv(ticks) + uv(mono_ns))

    def note(self, ticks, level, said):
        return self.record(8, uv(ticks) + uv(level) + txt(said))

    def mark(self, ticks, thread, said):
        return self.record(9, uv(ticks) + uv(thread) + txt(said))

    def process(self, ticks, what, pid, path):
        return self.record(10, uv(ticks) + uv(what) + uv(pid) + txt(path))

    def recording(self, ticks, on):
        return self.record(11, uv(ticks) + uv(on))


    def step(self, ticks, step, sample=0, trace_bytes=0):
        return self.record(12, uv(ticks) + uv(step) + uv(sample) + uv(trace_bytes))


class TraceWriter:
    """A trace in the making: 3 ticks are 1 ns, so that a wrong clock shows."""

    START_TICKS, START_NS = 3_000_000, 50_000_000

    def __init__(self, run_id, program="golden", compress=False, version=1, facts=()):
        self.run_id, self.compress, self.version = run_id, compress, version
        self.seq, self.index, self.rows, self.stacks, self.lost = {}, [], 0, 0, {}
        self.newest = self.START_TICKS
        self.data = bytearray(
            skippable(
                HEADER,
                self.facts(
                    b"SHIMTRC1",
                    pairs(
                        [
                            ("shim_version", "0.1.0"),
                            ("program", program),
                            ("exe", "/opt/" + program),
                            ("pid", "4242"),
                            ("ppid", "1"),
                            ("command", program + "\0--flag\0"),
                            ("cwd", "/tmp"),
                            ("host", "golden"),
                            ("start_unix_ns", "1700000000000000000"),
                            ("start_ticks", str(self.START_TICKS)),
                            ("start_mono_ns", str(self.START_NS)),
                            ("clock", "tsc"),
                            ("cpu", "A CPU @ 3.00GHz"),
                            ("cores", "4"),
                            ("memory_bytes", "8589934592"),
                            ("kernel", "6.1.0"),
                            ("governor", "performance"),
                            ("load", "0.10 0.20 0.30"),
                            ("libc", "glibc 2.36"),
                            ("events", "heap,mmap"),
                            ("depth", "256"),
                            ("page_size", "4096"),
                            ("setting.SHIM_DEPTH", "256"),
                            ("a_key_of_later", "\u00e9"),
                            *facts,
                        ]
                    ),
                ),
            )
        )

    def facts(self, magic, fields, tail=b""):
        start = struct.pack("<IIQ", self.version, zlib.crc32(fields), self.run_id)
        return magic + start + fields + tail

    def mono(self, ticks):
        return self.START_NS + (ticks - self.START_TICKS) // 3

    def _block(self, kind, layout, thread, begin, end, count, payload, sample):
        seq = self.seq.get(thread, 0)
        self.seq[thread] = seq + 1
        self.newest = max(self.newest, end)
        return (
            seq,
            struct.pack(
                "<4sBBHIIQQQIIQQ",
                b"SBLK",
                kind,
                layout,
                0,
                thread,
                seq,
                begin,
                end,
                self.mono(begin),
                count,
                len(payload),
                self.lost.get(thread, 0),
                sample,
            )
            + payload,
        )

    def raw_block(self, kind, layout, thread, begin, end, count, payload, sample=0):
        seq, content = self._block(kind, layout, thread, begin, end, count, payload, sample)
        frame = zstd_frame(content, self.compress)
        self.index.append(
            struct.pack(
                "<QQQIIIIB7x", len(self.data), begin, end, len(frame), thread, seq, count, kind
            )
        )
        self.data += frame

    def defs(self, d, ticks=None):
        ticks = self.newest if ticks is None else ticks
        self.raw_block(1, 0, 0, ticks, ticks, d.count, d.bytes)

    def events(self, thread, rows, layout=1, begin=None, end=None, sample=0, form=1, **how):
        """FORM: of layout 2."""
        begin = rows[0].ticks if begin is None else begin
        end = rows[-1].ticks if end is None else end
        by_column = steps_payload if form == 2 else columns_payload
        payload = rows_payload(rows) if layout == 1 else by_column(rows, begin, **how)
        self.raw_block(2, layout, thread, begin, end, len(rows), payload, sample)
        self.rows += len(rows)

    def folded(self, thread, rows, kinds, crest, most=None, begin=None, end=None, **how):
        """A block with folded blocks beside its rows."""
        column = (7, folded_column(kinds, crest, most))
        self.events(thread, rows, 2, begin, end, other_columns=[column], **how)

    def finish(self, end="exit"):
        index_at = len(self.data)
        self.data += skippable(INDEX, self.facts(b"SHIMIDX1", b"".join(self.index)))
        footer_at = len(self.data)
        fields = pairs(
            [
                ("end", end),
                ("end_ticks", str(self.newest + 300)),
                ("end_mono_ns", str(self.mono(self.newest) + 100)),
                ("events", str(self.rows)),
                ("lost", str(sum(self.lost.values()))),
                ("stacks", str(self.stacks)),
                ("max_rss_bytes", "1048576"),
                ("shim_cpu_ns", "12345"),
                ("shim_bytes", "65536"),
            ]
        )
        self.data += skippable(
            FOOTER,
            self.facts(b"SHIMFTR1", fields, struct.pack("<QQ8s", index_at, footer_at, b"SHIMEND1")),
        )


class SpoolWriter:
    def __init__(self, trace, run_id=None, lost=0):
        self.trace = trace
        newest = trace.newest + 3000
        self.data = bytearray(
            struct.pack(
                "<8sIIQQQQQQQ",
                b"SHIMSPL1",
                trace.version,
                4096,
                trace.run_id if run_id is None else run_id,
                4242,
                trace.START_TICKS,
                trace.START_NS,
                newest,
                trace.mono(newest),
                lost,
            ).ljust(4096, b"\0")
        )

    def chunk(
        self, kind, layout, thread, seq, begin, payload, size=4096, lost=0, garbage=b"", sample=0
    ):
        """One chunk; `garbage` stands behind the committed bytes, as rows in the making do."""
        head = struct.pack(
            "<4sBBHIIQQIIQQ8x",
            b"SCNK",
            kind,
            layout,
            0,
            thread,
            seq,
            begin,
            self.trace.mono(begin),
            len(payload),
            size,
            lost,
            sample,
        )
        self.data += (head + payload + garbage).ljust(size, b"\0")
