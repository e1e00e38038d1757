# SPDX-License-Identifier: MIT
"""
shimfile.py - the outer shape of a trace: frames of the trace file, chunks of the spool.

Part of the second decoder, written from docs/trace-format.md alone (sections 1, 4 and 5). It reads
no other code of the project and shares none with it. Nothing here raises on a bad file: what is
wrong becomes a line in `Trace.problems`, and what is readable is kept. Only `Foreign` is raised,
for a file that is no trace at all.
"""
import os
import struct
import zlib

import zstandard

VERSIONS = (1, 2)
ZSTD_MAGIC = 0xFD2FB528
HEADER_MAGIC, INDEX_MAGIC, FOOTER_MAGIC = 0x184D2A50, 0x184D2A51, 0x184D2A52
MAGIC_BYTES = [struct.pack("<I", m) for m in (ZSTD_MAGIC, HEADER_MAGIC, INDEX_MAGIC, FOOTER_MAGIC)]
MAX_BLOCK, MAX_CHUNK, MAX_TEXT, MAX_FACTS = 16 << 20, 4 << 20, 1 << 20, 4 << 20
MAX_SAMPLE = 1 << 46
KIND_DEFS, KIND_EVENTS = 1, 2
U64 = (1 << 64) - 1


class Damaged(Exception):
    """What was being decoded cannot be as the specification says."""


class Foreign(Exception):
    """The file is not a trace (or one of a later version)."""


def varint(buf, pos, end):
    """One unsigned LEB128 number of buf[pos:end]: (value, position behind it)."""
    value = shift = 0
    while pos < end:
        byte = buf[pos]
        pos += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value > U64:
                raise Damaged("varint over 64 bits")
            return value, pos
        shift += 7
        if shift > 63:
            raise Damaged("varint longer than 10 bytes")
    raise Damaged("varint cut off")


def unzigzag(n):
    return (n >> 1) ^ -(n & 1)


def text(buf, pos, end):
    """One text: (bytes, position behind it)."""
    size, pos = varint(buf, pos, end)
    if size > MAX_TEXT or size > end - pos:
        raise Damaged("text longer than its place")
    return bytes(buf[pos : pos + size]), pos + size


class Block:
    """A decompressed block, or a chunk of the spool that stands for one."""

    def __init__(self, offset, raw_header, payload, source):
        (
            self.kind,
            self.layout,
            self.zero,
            self.thread,
            self.seq,
            self.begin_ticks,
            self.end_ticks,
            self.begin_mono_ns,
            self.rows,
            self.lost,
            self.sample_bytes,
        ) = raw_header
        self.offset, self.payload, self.source = offset, payload, source
        self.frame_bytes = 0

    def where(self):
        return "%s block at %d (thread %d, seq %d)" % (
            self.source,
            self.offset,
            self.thread,
            self.seq,
        )


class Trace:
    """
    A trace and its spool, as far as they can be read. `blocks` in file order, those of the spool
    last.
    """

    def __init__(self, path):
        self.path = path
        self.problems = []  # every breach of the specification, in words
        self.damaged = 0  # frames, blocks and rows that could not be used
        self.blocks = []
        self.facts = {}  # header: key bytes -> value bytes
        self.end_facts = None  # footer that counts, or None
        self.run_id = None
        self.spool = None  # fields of page 0, where there is a spool of this run
        self.spool_blocks = 0
        self.index = None
        self.cut_at = None  # offset of a frame that the end of the file cuts off
        with open(path, "rb") as f:
            self.data = f.read()
        self._read_trace()
        self._read_spool()
        if (
            self.cut_at is not None and not self.spool
        ):  # with the spool it is what a kill leaves, and nothing is lost
            self.problem("offset %d: not a whole frame" % self.cut_at, 1)

    def problem(self, line, damaged=0):
        self.problems.append(line)
        self.damaged += damaged

    # ---- the trace file --------------------------------------------------------------------------

    def _next_magic(self, start):
        found = [p for p in (self.data.find(m, start) for m in MAGIC_BYTES) if p >= 0]
        return min(found) if found else len(self.data)

    def _read_trace(self):
        data, size = self.data, len(self.data)
        self._read_header()
        pos, frames = 0, []
        while pos < size:
            end = self._read_frame(pos, frames)
            if end is None:
                end = self._next_magic(pos + (4 if data[pos : pos + 4] in MAGIC_BYTES else 1))
                if end == size and data[pos : pos + 4] in MAGIC_BYTES:
                    self.cut_at = pos
                else:
                    self.problem("offset %d: not a whole frame" % pos, 1)
            pos = end
        self._judge_ends(frames)

    def _read_header(self):
        data = self.data
        if len(data) < 32 or data[:4] != MAGIC_BYTES[1] or data[8:16] != b"SHIMTRC1":
            raise Foreign("not a trace: no header frame")
        version = struct.unpack_from("<I", data, 16)[0]
        self.version = version
        if version not in VERSIONS:
            raise Foreign(
                "a trace of version %d; this decoder reads %d to %d" % (version, *VERSIONS)
            )

    def _read_frame(self, pos, frames):
        """
        Reads the frame at pos; appends (pos, what, content) for those that are good. None: no frame
        here.
        """
        data = self.data
        if len(data) - pos < 8:
            return None
        magic, length = struct.unpack_from("<II", data, pos)
        if magic == ZSTD_MAGIC:
            return self._read_zstd(pos, frames)
        if magic & 0xFFFFFFF0 != 0x184D2A50 or length > len(data) - pos - 8:
            return None
        end = pos + 8 + length
        if magic in (HEADER_MAGIC, INDEX_MAGIC, FOOTER_MAGIC):
            try:
                self._read_skippable(pos, magic, end, frames)
            except Damaged as error:
                self.problem("offset %d: %s" % (pos, error), 1)
                return self._next_magic(pos + 4)
        return end

    def _read_skippable(self, pos, magic, end, frames):
        name, letters = {
            HEADER_MAGIC: ("header", b"SHIMTRC1"),
            INDEX_MAGIC: ("index", b"SHIMIDX1"),
            FOOTER_MAGIC: ("footer", b"SHIMFTR1"),
        }[magic]
        start, fields = pos + 8, pos + 32
        tail = 24 if magic == FOOTER_MAGIC else 0
        if end - start < 24 + tail or self.data[start : start + 8] != letters:
            raise Damaged("%s frame without its magic" % name)
        if magic != INDEX_MAGIC and end - start > MAX_FACTS:
            raise Damaged("%s too long" % name)
        version, crc, run_id = struct.unpack_from("<IIQ", self.data, start + 8)
        if version not in VERSIONS:
            raise Damaged("%s of version %d" % (name, version))
        if zlib.crc32(self.data[fields : end - tail]) != crc:
            raise Damaged("%s fails its CRC" % name)
        if magic == HEADER_MAGIC:
            if pos:
                raise Damaged("a second header")
            self.run_id = run_id
            self.facts = self._pairs(fields, end)
            frames.append((pos, "header", None))
            return
        if self.run_id is not None and run_id != self.run_id:
            raise Damaged("%s of another run" % name)
        if magic == FOOTER_MAGIC:
            tail_fields = struct.unpack_from("<QQ8s", self.data, end - 24)
            if tail_fields[2] != b"SHIMEND1":
                raise Damaged("footer without its end magic")
            frames.append((pos, "footer", (self._pairs(fields, end - 24), tail_fields)))
            return
        if (end - fields) % 48:
            raise Damaged("index of uneven length")
        frames.append(
            (pos, "index", list(struct.iter_unpack("<QQQIIIIB7s", self.data[fields:end])))
        )

    def _pairs(self, pos, end):
        facts = {}
        while pos < end:
            key, pos = text(self.data, pos, end)
            value, pos = text(self.data, pos, end)
            if key in facts:
                self.problem("key %r twice" % key)
            facts[key] = value
        return facts

    def _read_zstd(self, pos, frames):
        """
        A data frame: its end by the block headers of RFC 8878, its content by libzstd (which checks
        the checksum).
        """
        data, size = self.data, len(self.data)
        descriptor = data[pos + 4]
        single, checksum = descriptor >> 5 & 1, descriptor >> 2 & 1
        content_field = (single, 2, 4, 8)[descriptor >> 6]
        at = pos + 5 + (1 - single) + (0, 1, 2, 4)[descriptor & 3] + content_field
        while True:
            if at + 3 > size:
                return None
            header = int.from_bytes(data[at : at + 3], "little")
            kind = header >> 1 & 3
            if kind == 3:
                return None
            at += 3 + (1 if kind == 1 else header >> 3)
            if header & 1:
                break
        at += 4 * checksum
        if at > size:
            return None
        if not checksum or not content_field:
            self.problem(
                "offset %d: data frame without %s"
                % (pos, "checksum" if content_field else "content size")
            )
        frame = data[pos:at]
        try:
            length = zstandard.frame_content_size(frame)
            if length > MAX_BLOCK:
                raise Damaged("block over 16 MiB")
            raw = zstandard.ZstdDecompressor().decompress(
                frame, max_output_size=MAX_BLOCK if length < 0 else 0
            )
            block = self._block(pos, raw)
        except (zstandard.ZstdError, Damaged) as error:
            self.problem("offset %d: %s" % (pos, error), 1)
            return self._next_magic(pos + 4)
        if block:
            block.frame_bytes = at - pos
            frames.append((pos, "block", block))
        return at

    def _block(self, pos, raw):
        if len(raw) < 64 or raw[:4] != b"SBLK":
            raise Damaged("frame does not hold a block")
        (
            kind,
            layout,
            zero,
            thread,
            seq,
            begin,
            end,
            mono,
            rows,
            size,
            lost,
            sample,
        ) = struct.unpack_from("<BBHIIQQQIIQQ", raw, 4)
        if kind not in (KIND_DEFS, KIND_EVENTS):
            return None  # of a later writer
        if size > len(raw) - 64:
            raise Damaged("payload longer than its block")
        if size != len(raw) - 64:
            self.problem("offset %d: %d bytes behind the payload" % (pos, len(raw) - 64 - size))
        return Block(
            pos,
            (kind, layout, zero, thread, seq, begin, end, mono, rows, lost, sample),
            raw[64 : 64 + size],
            "trace",
        )

    def _judge_ends(self, frames):
        """Keeps the blocks; the footer and index count only as the last two frames."""
        self.blocks = [content for _, what, content in frames if what == "block"]
        by_offset = {b.offset: b for b in self.blocks}
        index_at = None
        for place, (pos, what, content) in enumerate(frames):
            behind = len(frames) - 1 - place
            if what == "index":
                index_at = pos
                if behind <= 1:
                    self.index = content
            elif what == "footer":
                if behind == 0:
                    self.end_facts = content[0]
                if content[1][:2] != (index_at, pos):
                    self.problem(
                        "offset %d: tail names %d and %d, the index is at %s"
                        % (pos, content[1][0], content[1][1], index_at),
                        1,
                    )
        if self.end_facts is None:
            self.index = None
        if self.index is not None:
            self._check_index(by_offset)

    def _check_index(self, by_offset):
        if [e[0] for e in self.index] != [b.offset for b in self.blocks]:
            self.problem("the index does not name the blocks of the file in their order")
        for offset, begin, end, frame, thread, seq, rows, kind, zero in self.index:
            b = by_offset.get(offset)
            if b and (
                (begin, end, frame, thread, seq, rows, kind)
                != (b.begin_ticks, b.end_ticks, b.frame_bytes, b.thread, b.seq, b.rows, b.kind)
            ):
                self.problem("the index entry of offset %d differs from its block" % offset)
            if any(zero):
                self.problem("the index entry of offset %d has reserved bytes set" % offset)

    # ---- the spool -------------------------------------------------------------------------------

    def _read_spool(self):
        path = self.path + ".spool"
        if not os.path.exists(path):
            return
        with open(path, "rb") as f:
            data = f.read()
        if len(data) < 4096 or data[:8] != b"SHIMSPL1":
            self.problem("spool: no page 0 of a spool", 1)
            return
        names = (
            "version",
            "header_bytes",
            "run_id",
            "pid",
            "start_ticks",
            "start_mono_ns",
            "last_ticks",
            "last_mono_ns",
            "lost",
        )
        page = dict(zip(names, struct.unpack_from("<IIQQQQQQQ", data, 8)))
        if page["version"] not in VERSIONS or page["header_bytes"] != 4096:
            self.problem(
                "spool: version %d, page 0 of %d bytes" % (page["version"], page["header_bytes"]), 1
            )
            return
        if self.run_id is not None and page["run_id"] != self.run_id:
            self.problem("spool: of another run, ignored", 1)
            return
        self.spool = page
        whole = {(b.thread, b.seq) for b in self.blocks}
        pos = 4096
        while len(data) - pos >= 64 and data[pos : pos + 4] == b"SCNK":
            pos = self._read_chunk(data, pos, whole)

    def _read_chunk(self, data, pos, whole):
        """One chunk; returns where the next begins, or the end of the data where the list ends."""
        (kind, layout, zero, thread, seq, begin, mono, used, size, lost, sample) = (
            struct.unpack_from("<BBHIIQQIIQQ", data, pos + 4)
        )
        if size == 0:
            return len(data)
        if size % 4096 or size > MAX_CHUNK or size > len(data) - pos:
            self.problem("spool: chunk at %d of %d bytes" % (pos, size), 1)
            return len(data)
        if kind not in (KIND_DEFS, KIND_EVENTS):
            return pos + size
        if used > size - 64:
            self.problem("spool: chunk at %d uses %d of %d bytes" % (pos, used, size), 1)
            return pos + size
        if (thread, seq) not in whole and used:
            whole.add((thread, seq))
            rows = used // 32 if kind == KIND_EVENTS else None
            if kind == KIND_EVENTS and used % 32:
                self.problem("spool: chunk at %d ends inside a row" % pos, 1)
                used -= used % 32
            self.spool_blocks += 1
            self.blocks.append(
                Block(
                    pos,
                    (kind, layout, zero, thread, seq, begin, None, mono, rows, lost, sample),
                    data[pos + 64 : pos + 64 + used],
                    "spool",
                )
            )
        return pos + size
