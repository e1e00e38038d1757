# SPDX-License-Identifier: MIT
"""
shimevents.py - blocks of events (section 2 of docs/trace-format.md) become rows, in the order of
the merge.

Rows are kept by column in arrays (2 million events fit in some 100 MB). The place of a row in the
arrays is (thread, seq, position); `Events.order()` gives the merged order, (ticks, thread,
position).
"""
import struct
from array import array
from collections import namedtuple
from itertools import accumulate

from shimfile import Damaged, unzigzag, varint, MAX_SAMPLE, U64

ALLOC, FREE, RE_FREE, RE_ALLOC, RE_FAIL, ALLOC_FAIL, MMAP, MUNMAP, BRK = range(1, 10)
OPS = {
    1: "alloc",
    2: "free",
    3: "realloc-free",
    4: "realloc-alloc",
    5: "realloc-fail",
    6: "alloc-fail",
    7: "mmap",
    8: "munmap",
    9: "brk",
}
FUNCS = {
    1: "malloc",
    2: "calloc",
    3: "realloc",
    4: "reallocarray",
    5: "posix_memalign",
    6: "aligned_alloc",
    7: "memalign",
    8: "valloc",
    9: "pvalloc",
    10: "operator new",
    11: "operator new[]",
    12: "mallocx",
    13: "rallocx",
    14: "xallocx",
    15: "shim_alloc",
    16: "shim_realloc",
    32: "free",
    33: "cfree",
    34: "free_sized",
    35: "free_aligned_sized",
    36: "operator delete",
    37: "operator delete[]",
    38: "dallocx",
    39: "sdallocx",
    40: "shim_free",
    64: "mmap",
    65: "munmap",
    66: "mremap",
    67: "brk",
    68: "sbrk",
}
LOCAL, ADDRESSED = 0x80, 0x40
IGNORED, UNFOLLOWED, TEMPORARY = 0x200, 0x400, 0x800
MAX_FOLDED, MAX_FOLDED_BYTES, MAX_SIZE = 1 << 40, 1 << 56, (1 << 48) - 1
WITH_ALLOC_ADDR = (ALLOC, RE_ALLOC, MMAP)
WITH_OTHER_ADDR = (FREE, RE_FREE, RE_FAIL, MUNMAP, BRK)


def varints(buf):
    """All numbers of a column."""
    if not any(b & 0x80 for b in buf):
        return list(buf)
    out, value, shift = [], 0, 0
    append = out.append
    for byte in buf:
        if byte < 0x80:
            value |= byte << shift
            if value > U64:
                raise Damaged("varint over 64 bits")
            append(value)
            value = shift = 0
        else:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 63:
                raise Damaged("varint longer than 10 bytes")
    if shift:
        raise Damaged("varint cut off")
    return out


def _shift(column, name):
    if not column:
        return 0
    if column[0] > 63:
        raise Damaged("shift of the %s column is %d" % (name, column[0]))
    return column[0]


def _addresses(column, name):
    """The addresses of column 4 or 5, undone from differences."""
    shift, previous, out = _shift(column, name), 0, []
    for n in varints(column[1:]):
        previous = (previous + ((n >> 1) ^ -(n & 1))) & (U64 >> shift)
        out.append(previous << shift)
    return out


def _times(column, begin):
    shift, out = _shift(column, "time"), []
    at = begin >> shift
    for n in varints(column[1:]):
        at += n
        out.append(max(at << shift, begin))
    if out and out[-1] > U64:
        raise Damaged("time over 64 bits")
    return out


def _directory(payload):
    """Columns by id."""
    if not payload:
        raise Damaged("no directory of columns")
    count, pos, end = payload[0], 1, len(payload)
    entries = []
    for _ in range(count):
        if pos >= end:
            raise Damaged("directory of columns cut off")
        number = payload[pos]
        size, pos = varint(payload, pos + 1, end)
        entries.append((number, size))
    columns = {}
    for number, size in entries:
        if size > end - pos:
            raise Damaged("column %d longer than its block" % number)
        if number in columns:
            raise Damaged("column %d twice" % number)
        columns[number] = payload[pos : pos + size]
        pos += size
    if pos != end:
        raise Damaged("%d bytes behind the columns" % (end - pos))
    return columns


def _shapes(column):
    """[(op, func, extra, stack, size, local)]; local: 0, LOCAL or LOCAL | ADDRESSED."""
    count, pos = varint(column, 0, len(column))
    end, shapes, stack = len(column), [], 0
    for _ in range(count):
        if end - pos < 2:
            raise Damaged("shapes cut off")
        op, func = column[pos], column[pos + 1]
        extra, pos = varint(column, pos + 2, end)
        delta, pos = varint(column, pos, end)
        size, pos = varint(column, pos, end)
        stack += unzigzag(delta)
        op, local = _check_shape(op, extra, stack)
        shapes.append((op, func, extra, stack, size, local))
    if pos != end:
        raise Damaged("bytes behind the shapes")
    return shapes


def _check_shape(op, extra, stack):
    """Op and local of a shape's op byte."""
    local, op = op & (LOCAL | ADDRESSED), op & 0x3F
    if (
        local == ADDRESSED
        or (local and op > RE_ALLOC)
        or (local > LOCAL and op not in (ALLOC, RE_ALLOC))
    ):
        raise Damaged("an impossible local shape")
    if op not in OPS or extra > 0xFFFF or not 0 <= stack < 1 << 32:
        raise Damaged("an impossible shape")
    return op, local


def _shape_parts(column):
    """Column 8, as _shapes."""
    numbers = _Numbers(column)
    kinds, count = [None] * numbers.varint(), numbers.varint()
    if max(len(kinds), count) > len(column):
        raise Damaged("shapes cut off")
    kinds = [(numbers.byte(), numbers.byte(), numbers.varint()) for _ in kinds]
    kind_of = [numbers.varint() for _ in range(count)]
    stacks = list(accumulate(unzigzag(numbers.varint()) for _ in range(count)))
    sizes = [numbers.varint() for _ in range(count)]
    if not numbers.is_done():
        raise Damaged("bytes behind the shapes")
    if kind_of and max(kind_of) >= len(kinds):
        raise Damaged("a shape without its kind")
    shapes = []
    for kind, stack, size in zip(kind_of, stacks, sizes):
        op, func, extra = kinds[kind]
        op, local = _check_shape(op, extra, stack)
        shapes.append((op, func, extra, stack, size, local))
    return shapes


def _stamps(column, begin, rows):
    """The times of column 15."""
    shift, numbers, out, run = _shift(column, "stamp"), _Numbers(column[1:]), [], 0
    at, is_first = begin >> shift, True
    while not numbers.is_done():
        value = numbers.varint()
        if value & 1:
            run, distance = value >> 1, numbers.varint()
        else:
            distance = value >> 1
        if not distance or not (run or is_first) or len(out) + run >= rows:
            raise Damaged("an impossible stamp")
        is_first = False
        out.extend([max(at << shift, begin)] * run)
        at += distance
    out.extend([max(at << shift, begin)] * (rows - len(out)))
    if at << shift > U64:
        raise Damaged("time over 64 bits")
    return out


class _NearFar:
    """Addresses of columns NUMBER and NUMBER + 1. `freed`: list of those that a rank can name."""

    def __init__(self, columns, number, freed):
        near = columns.get(number, b"")
        self.shift, self.near = _shift(near, "address"), iter(near[1:])
        self.far, self.pos, self.freed, self.previous = columns.get(number + 1, b""), 0, freed, 0

    def next(self, may_be_freed=True):
        near = next(self.near)
        if near >= 248 or (128 <= near < 240 and (self.freed is None or not may_be_freed)):
            raise Damaged("an impossible address")
        if 128 <= near < 240:
            addr = self.freed.pop(127 - near)
            self.previous = addr >> self.shift
            return addr
        if near >= 240:
            size = near - 239
            distance = int.from_bytes(self.far[self.pos : self.pos + size], "little")
            self.pos += size
        else:
            distance = near
        self.previous = (self.previous + unzigzag(distance)) & (U64 >> self.shift)
        return self.previous << self.shift

    def finish(self):
        if self.pos != len(self.far) or next(self.near, None) is not None:
            raise Damaged("an address column of another length than its rows")


Kind = namedtuple("Kind", "func end_func extra end_extra stack size count temporary live")


class Folded:
    """Column 7 of a block. `rows`: numbers of the block's rows, first and behind the last."""

    def __init__(self, column, block):
        self.block, self.rows, self.kinds = block, (0, 0), []
        numbers, self.most_bytes = _Numbers(column), None
        stack = 0
        for _ in range(numbers.varint()):
            head = (numbers.byte(), numbers.byte(), numbers.varint(), numbers.varint())
            stack += unzigzag(numbers.varint())
            kind = Kind(*head, stack, *(numbers.varint() for _ in range(4)))
            if not 0 <= stack < 1 << 32 or max(kind.extra, kind.end_extra) > 0xFFFF:
                raise Damaged("an impossible kind of folded blocks")
            if not max(kind.temporary, kind.live, 1) <= kind.count or kind.size > MAX_SIZE:
                raise Damaged("impossible numbers of folded blocks")
            self.kinds.append(kind)
        self.crest = numbers.varint()
        if not numbers.is_done():
            self.most_bytes = numbers.varint()
        self.pairs = sum(k.count for k in self.kinds)
        total = sum(k.count * k.size for k in self.kinds)
        if self.pairs > MAX_FOLDED or total > MAX_FOLDED_BYTES:
            raise Damaged("more folded blocks than a block can have")
        if self.crest > block.rows or (self.most_bytes or 0) > total:
            raise Damaged("an impossible crest")


class _Numbers:
    """Numbers of a column, one by one."""

    def __init__(self, column):
        self.column, self.pos = column, 0

    def byte(self):
        if self.is_done():
            raise Damaged("a column is cut off")
        self.pos += 1
        return self.column[self.pos - 1]

    def varint(self):
        value, self.pos = varint(self.column, self.pos, len(self.column))
        return value

    def is_done(self):
        return self.pos >= len(self.column)


class Events:
    """
    Rows of all blocks by column. `pair`: number of the local allocation without address that a row
    begins or ends, 0: none.
    """

    def __init__(self, trace):
        self.trace = trace
        self.ticks, self.addr, self.size, self.pair = array("Q"), array("Q"), array("Q"), array("Q")
        self.stack, self.thread, self.block = array("I"), array("I"), array("I")
        self.op, self.func, self.extra = array("B"), array("B"), array("H")
        self.pairs = 0
        self.blocks = []  # those that could be used, in (thread, seq) order
        self.folded = []  # Folded of those that have any
        self.lost = {}  # thread -> events dropped
        self.missing = 0  # blocks that a gap in seq tells of
        self._read()

    def __len__(self):
        return len(self.ticks)

    def order(self):
        """
        Row numbers in merged order. The arrays are in (thread, position) order and sorting is
        stable.
        """
        return sorted(range(len(self.ticks)), key=self.ticks.__getitem__)

    def _read(self):
        trace = self.trace
        wanted = sorted((b for b in trace.blocks if b.kind == 2), key=lambda b: (b.thread, b.seq))
        seen, last = {}, {}
        for b in wanted:
            if b.thread == 0:
                trace.problem("%s: events of thread 0" % b.where())
            if (b.thread, b.seq) in seen:
                trace.problem("%s: the second with its number" % b.where(), 1)
                continue
            seen[b.thread, b.seq] = b
            before = len(self.ticks)
            self.newest_folded = None
            try:
                if b.sample_bytes > MAX_SAMPLE:
                    raise Damaged("a sample of one in %d bytes" % b.sample_bytes)
                {1: self._rows, 2: self._columns}.get(b.layout, self._unknown)(b)
            except Damaged as error:
                trace.problem("%s: %s" % (b.where(), error), 1)
                for column in (
                    self.ticks,
                    self.addr,
                    self.size,
                    self.pair,
                    self.stack,
                    self.thread,
                    self.op,
                    self.func,
                    self.extra,
                ):
                    del column[before:]
                continue
            self.block.extend([len(self.blocks)] * (len(self.ticks) - before))
            self.blocks.append(b)
            if self.newest_folded:
                self.newest_folded.rows = (before, len(self.ticks))
                self.folded.append(self.newest_folded)
            self._check(b, before, last)
        self._gaps(seen)

    def _unknown(self, block):
        raise Damaged("events in layout %d" % block.layout)

    def _gaps(self, seen):
        top = {}
        for thread, seq in seen:
            top[thread] = max(seq, top.get(thread, -1))
        for thread in sorted(top):
            gap = (
                [s for s in range(top[thread] + 1) if (thread, s) not in seen]
                if top[thread] < 1 << 20
                else [0]
            )
            self.missing += len(gap)
            if gap:
                self.trace.problem("thread %d: blocks missing: %s" % (thread, gap[:10]))

    def _rows(self, b):
        if len(b.payload) != 32 * b.rows:
            raise Damaged("%d rows in %d bytes" % (b.rows, len(b.payload)))
        kept = 0
        for ticks, addr, size, stack, op, func, extra in struct.iter_unpack("<QQQIBBH", b.payload):
            if op not in OPS:
                self.trace.problem("%s: a row with op %d" % (b.where(), op), 1)
                continue
            self.ticks.append(ticks)
            self.addr.append(addr)
            self.size.append(size)
            self.stack.append(stack)
            self.op.append(op)
            self.func.append(func)
            self.extra.append(extra)
            kept += 1
        self.pair.extend([0] * kept)
        self.thread.extend([b.thread] * kept)

    def _columns(self, b):
        columns = _directory(b.payload)
        if columns.get(7):
            self.newest_folded = Folded(columns[7], b)
        if columns.get(8):
            self._steps(b, columns)
            return
        shapes = _shapes(columns.get(1, b""))
        codes = varints(columns.get(2, b""))
        times = _times(columns.get(6, b""), b.begin_ticks)
        if len(codes) != b.rows or len(times) != b.rows:
            raise Damaged("%d rows, %d codes, %d times" % (b.rows, len(codes), len(times)))
        if codes and max(codes) >= len(shapes):
            raise Damaged("a code without its shape")
        given, other = iter(_addresses(columns.get(4, b""), "alloc address")), iter(
            _addresses(columns.get(5, b""), "address")
        )
        back = iter(varints(columns.get(3, b"")))
        # Number of an open local allocation -> its address, None without.
        pairs, open_pairs = self.pairs, {}
        addr, size, pair, stack = (
            self.addr.append,
            self.size.append,
            self.pair.append,
            self.stack.append,
        )
        add_op, add_func, add_extra = self.op.append, self.func.append, self.extra.append
        try:
            for code in codes:
                op, func, extra, node, amount, local = shapes[code]
                at = which = 0
                if local:
                    if op in (ALLOC, RE_ALLOC):
                        pairs += 1
                        which = pairs
                        open_pairs[which] = next(given) if local > LOCAL else None
                    else:
                        which = pairs - next(back)
                        if which not in open_pairs:
                            raise Damaged("a local end without its allocation")
                    known = open_pairs[which] if op in (ALLOC, RE_ALLOC) else open_pairs.pop(which)
                    if known is not None:  # then the address matches them, as for all other rows
                        at, which = known, 0
                elif op in WITH_ALLOC_ADDR:
                    at = next(given)
                elif op in WITH_OTHER_ADDR:
                    at = next(other)
                addr(at)
                size(amount)
                pair(which)
                stack(node)
                add_op(op)
                add_func(func)
                add_extra(extra)
        except StopIteration:
            raise Damaged("a column is too short") from None
        if open_pairs:
            raise Damaged("%d local allocations without their end" % len(open_pairs))
        if any(next(column, None) is not None for column in (given, other, back)):
            raise Damaged("a column is too long")
        self.ticks.extend(times)
        self.thread.extend([b.thread] * b.rows)
        self.pairs = pairs

    def _steps(self, b, columns):
        """The second form: columns 8 to 15, and 6 or 15 for the time."""
        shapes = _shape_parts(columns[8])
        steps, ranks = varints(columns.get(9, b"")), iter(varints(columns.get(10, b"")))
        if len(steps) != b.rows:
            raise Damaged("%d rows, %d steps" % (b.rows, len(steps)))
        freed = []  # addresses that were given back and not referred to yet
        given = _NearFar(columns, 11, freed)
        other = _NearFar(columns, 13, None)
        live, used, end = [], 0, None  # live: (pair or 0, address) of local blocks
        out = []
        try:
            for step in steps:
                rank = step >> 1
                if step & 1:
                    shape = end
                elif step == 0:
                    shape, used = shapes[used], used + 1
                else:
                    if step // 2 > used:
                        raise Damaged("a step to a shape that is not introduced")
                    shape = shapes[step // 2 - 1]
                if shape is None:
                    raise Damaged("a local end before the first that tells its shape")
                op, func, extra, stack, size, local = shape
                at = which = 0
                if local and op in (ALLOC, RE_ALLOC):
                    if local > LOCAL:
                        at = given.next()
                    else:
                        self.pairs += 1
                        which = self.pairs
                    live.append((which, at))
                elif local:
                    if not step & 1:
                        end, rank = shape, next(ranks)
                    which, at = live.pop(-1 - rank)
                    if not which:
                        freed.append(at)
                elif op in WITH_ALLOC_ADDR:
                    at = given.next(op != MMAP)
                elif op in WITH_OTHER_ADDR:
                    at = other.next()
                    if op in (FREE, RE_FREE):
                        freed.append(at)
                out.append((op, func, extra, stack, size, at, which))
        except (IndexError, StopIteration):
            raise Damaged("a column is too short, or a rank too high") from None
        if live:
            raise Damaged("%d local allocations without their end" % len(live))
        if used != len(shapes) or next(ranks, None) is not None:
            raise Damaged("shapes or ranks that nobody uses")
        given.finish()
        other.finish()
        if columns.get(15):
            times = _stamps(columns[15], b.begin_ticks, b.rows)
        else:
            times = _times(columns.get(6, b""), b.begin_ticks) or [b.begin_ticks] * b.rows
        if len(times) != b.rows:
            raise Damaged("%d rows, %d times" % (b.rows, len(times)))
        for column, values in zip(
            (self.op, self.func, self.extra, self.stack, self.size, self.addr, self.pair),
            zip(*out),
        ):
            column.extend(values)
        self.ticks.extend(times)
        self.thread.extend([b.thread] * b.rows)

    def _check(self, b, start, last):
        trace, ticks = self.trace, self.ticks
        if b.zero:
            trace.problem("%s: reserved bytes set" % b.where())
        if b.sample_bytes and trace.version < 2:
            trace.problem("%s: a sample in version %d" % (b.where(), trace.version))
        if b.lost < self.lost.get(b.thread, 0):
            trace.problem("%s: lost events become fewer" % b.where())
        self.lost[b.thread] = max(b.lost, self.lost.get(b.thread, 0))
        at = max(b.begin_ticks, last.get(b.thread, 0))
        for row in range(start, len(ticks)):
            if ticks[row] < at:
                trace.problem(
                    "%s: row %d is earlier than what stands before it" % (b.where(), row - start)
                )
                break
            at = ticks[row]
        if b.end_ticks is not None and at > b.end_ticks:
            trace.problem("%s: a row is later than end_ticks" % b.where())
        last[b.thread] = at
