# SPDX-License-Identifier: MIT
"""
shimreplay.py - what the events of a trace add up to, event by event in merged order.

The terms: an *allocation* is an op 1 or 4, and an op 4 is a *reallocation* too; a *free* is an op 2, or an op 3 of size 0 that no op 4 or 5 follows.
`by_function` counts them all. The peak is the largest number of live bytes after any event
(`peak_count`: the blocks alive at the first such moment). A block is *temporary* when it was ended
(by free or by a realloc that succeeded) by the thread that allocated it, before that thread's next
allocation or reallocation; in a sample the writer tells.

A block of a sample counts as the 1/p blocks that it stands for, a folded pair as the allocation and
the free that it is. Sums of samples are kept in fixed point and rounded when they are read.
"""
import math
from collections import Counter, defaultdict

from shimevents import (
    ALLOC,
    ALLOC_FAIL,
    FREE,
    FUNCS,
    OPS,
    RE_ALLOC,
    RE_FAIL,
    RE_FREE,
    TEMPORARY,
    UNFOLLOWED,
)

POINT = 20  # bits behind it


class Sum:
    """Of what was counted, and of what samples stand for."""

    def __init__(self):
        self.exact = self.estimate = 0

    def add(self, weight, times=1):
        if isinstance(weight, Weight):
            self.estimate += weight.value * times
        else:
            self.exact += weight * times

    def value(self):
        return self.exact + ((self.estimate + (1 << POINT - 1)) >> POINT)


class Weight:
    """In fixed point."""

    def __init__(self, value):
        self.value = int(value * (1 << POINT) + 0.5)


class Block:
    """A block: what it counts as, and for how many bytes; a Weight each if it is of a sample."""

    def __init__(self, size, stack, func, thread, row, distance):
        self.size, self.stack, self.func, self.thread, self.row = size, stack, func, thread, row
        self.distance = distance
        self.one, self.bytes = 1, size
        if distance:
            p = -math.expm1(-max(size, 1) / distance)
            self.one, self.bytes = Weight(1 / p), Weight(size / p)


class Debts:
    """Section 2.4: address -> [how many are open, is one taken, when it is due]."""

    def __init__(self, folded):
        self.windows = [(f.block.begin_ticks, f.block.end_ticks, f.block.thread) for f in folded]
        self.at = {}

    def due(self, ticks, thread):
        return max(
            (end for begin, end, of in self.windows if of != thread and begin <= ticks <= end),
            default=None,
        )

    def leave(self, addr, due):
        debt = self.at.setdefault(addr, [0, False, 0])
        debt[0] += 1
        debt[2] = max(debt[2], due)

    def _clean(self, addr):
        if self.at[addr][:2] == [0, False]:
            del self.at[addr]

    def withdraw(self, addr):
        if addr in self.at and self.at[addr][0]:
            self.at[addr][0] -= 1
            self._clean(addr)

    def take(self, addr):
        debt = self.at.get(addr)
        if debt and debt[0] and not debt[1]:
            debt[0], debt[1] = debt[0] - 1, True

    def give_back(self, addr):
        debt = self.at.get(addr)
        if debt and debt[1]:
            debt[0], debt[1] = debt[0] + 1, False

    def settle(self, addr):
        debt = self.at.get(addr)
        if not debt or not debt[1]:
            return False
        debt[1] = False
        self._clean(addr)
        return True

    def _extended(self, due):
        """As long as folded blocks, of whatever threads, overlap without a gap."""
        while True:
            later = max((end for begin, end, _ in self.windows if begin <= due < end), default=None)
            if later is None:
                return due
            due = later

    def ended(self, ticks):
        """Addresses of the blocks that have ended before `ticks`; None: all that ever will."""
        for debt in self.at.values():
            if ticks is not None and debt[2] < ticks:
                debt[2] = self._extended(debt[2])
        due = [addr for addr, debt in self.at.items() if ticks is None or debt[2] < ticks]
        return [addr for addr in due if self.at.pop(addr)[1]]


class Totals:
    def __init__(self, events):
        self.events = events
        self.ops = Counter(events.op)
        self.by_function = defaultdict(Sum)
        self.stack_allocations = defaultdict(Sum)
        self.allocations, self.frees, self.reallocations = Sum(), Sum(), Sum()
        self.allocated_bytes, self.temporary = Sum(), Sum()
        self.live_bytes, self.live_count = Sum(), Sum()
        self.peak_bytes = self.peak_count = self.unknown_frees = self.unended = 0
        self.live = {}  # address, or -number of a local pair -> Block
        self.newest = {}  # thread -> row of its newest allocation
        self.half = {}  # thread -> realloc in progress
        self.debts = Debts(events.folded)
        self._replay()

    # ---- blocks ----------------------------------------------------------------------------------

    def _enter(self, block, times=1):
        self.live_bytes.add(block.bytes, times)
        self.live_count.add(block.one, times)

    def _look_for_peak(self):
        if self.live_bytes.value() > self.peak_bytes:
            self.peak_bytes, self.peak_count = self.live_bytes.value(), self.live_count.value()

    def _end(self, key):
        block = self.live.pop(key, None)
        if block is not None:
            self._enter(block, -1)
            self.debts.give_back(key)
        return block

    def _begin(self, key, block):
        old = self.live.pop(key, None)
        if old is not None:  # its end was not seen
            self.unended += not self.debts.settle(key)
            self._enter(old, -1)
        self.live[key] = block
        self.debts.take(key)
        self._enter(block)
        self._look_for_peak()

    def _end_unknown(self, key, ticks, thread):
        """True when it leaves a debt."""
        due = self.debts.due(ticks, thread)
        if due is None:
            self.unknown_frees += 1
            return False
        self.debts.leave(key, due)
        return True

    def _settle_debts(self, ticks):
        for addr in self.debts.ended(ticks):
            block = self.live.pop(addr, None)
            if block is not None:
                self._enter(block, -1)

    def _is_temporary(self, row, block):
        events = self.events
        if block is None or block.thread != events.thread[row]:
            return False
        if events.blocks[events.block[row]].sample_bytes:
            return bool(events.extra[row] & TEMPORARY)
        return self.newest.get(block.thread) == block.row

    def _count_allocation(self, block, times=1):
        self.by_function[block.func].add(block.one, times)
        self.stack_allocations[block.stack].add(block.one, times)
        self.allocations.add(block.one, times)
        self.allocated_bytes.add(block.bytes, times)

    def _count_free(self, func, block, times=1):
        one = 1 if block is None else block.one
        self.by_function[func].add(one, times)
        self.frees.add(one, times)

    # ---- folded blocks ---------------------------------------------------------------------------

    def _folded_blocks(self, folded):
        for k in folded.kinds:
            yield k, Block(
                k.size, k.stack, k.func, folded.block.thread, None, folded.block.sample_bytes
            )

    def _load(self, folded):
        self._settle_debts(folded.block.begin_ticks)
        for kind, block in self._folded_blocks(folded):
            self._count_allocation(block, kind.count)
            self._count_free(kind.end_func, block, kind.count)
            temporary = kind.temporary
            if block.distance:
                temporary = kind.count if kind.end_extra & TEMPORARY else 0
            self.temporary.add(block.one, temporary)
        if folded.crest == 0:
            self._pass_crest(folded)

    def _pass_crest(self, folded):
        for kind, block in self._folded_blocks(folded):
            self._enter(block, kind.live)
        self._look_for_peak()
        for kind, block in self._folded_blocks(folded):
            self._enter(block, -kind.live)

    def _replay(self):
        events = self.events
        loads = sorted(
            events.folded, key=lambda f: (f.block.begin_ticks, f.block.thread, f.block.seq)
        )
        crests = {f.rows[0] + f.crest - 1: f for f in loads if f.crest}
        place = 0
        for row in events.order():
            now = (events.ticks[row], events.thread[row])
            while place < len(loads) and _load_time(loads[place]) < now:
                self._load(loads[place])
                place += 1
            if events.op[row] <= RE_FAIL:
                self._settle_debts(now[0])
                self._row(row)
            if row in crests:
                self._pass_crest(crests[row])
        for folded in loads[place:]:
            self._load(folded)
        for _, before in sorted(self.half.items()):
            self._half_done(before, True)
        self._settle_debts(None)

    # ---- rows ------------------------------------------------------------------------------------

    def _half_done(self, half, at_end):
        """
        A realloc-free with nothing behind it: a free when its size was 0. Otherwise the end of the
        trace came in between, and the block lives on; or the other half was lost, and so is the
        block.
        """
        block, size, key, func, was_newest, _ = half
        if size == 0:
            self._count_free(func, block)
            if was_newest:
                self.temporary.add(block.one)
        elif at_end and block is not None and key not in self.live:
            self._begin(key, block)

    def _row(self, row):
        events = self.events
        op, thread, func = events.op[row], events.thread[row], events.func[row]
        key = -events.pair[row] or events.addr[row]
        if op == ALLOC:
            self._allocate(row, key)
        elif op == FREE:
            block = self._end(key)
            if block is None:
                self._end_unknown(key, events.ticks[row], thread)
            elif self._is_temporary(row, block):
                self.temporary.add(block.one)
            self._count_free(func, block)
        elif op == RE_FREE:
            before = self.half.pop(thread, None)
            if before:
                self._half_done(before, False)
            block = self._end(key)
            owes = block is None and self._end_unknown(key, events.ticks[row], thread)
            self.half[thread] = (
                block,
                events.size[row],
                key,
                func,
                self._is_temporary(row, block),
                owes,
            )
        elif op == RE_ALLOC:
            before = self.half.pop(thread, None)
            if before and before[4]:
                self.temporary.add(before[0].one)
            if events.extra[row] & UNFOLLOWED:
                self.newest[thread] = row
                return
            block = self._allocate(row, key)
            self.reallocations.add(block.one)
        else:
            self._realloc_failed(key, self.half.pop(thread, None))

    def _allocate(self, row, key):
        e = self.events
        block = Block(
            e.size[row],
            e.stack[row],
            e.func[row],
            e.thread[row],
            row,
            e.blocks[e.block[row]].sample_bytes,
        )
        self._count_allocation(block)
        self._begin(key, block)
        self.newest[block.thread] = row
        return block

    def _realloc_failed(self, key, before):
        if not before:
            return
        block, _, old_key, _, _, owes = before
        if block is not None:
            self._begin(key, block)
        elif owes:
            self.debts.withdraw(old_key)
        else:
            self.unknown_frees -= 1  # it was not freed

    def report(self):
        return {
            "allocations": self.allocations.value(),
            "frees": self.frees.value(),
            "reallocations": self.reallocations.value(),
            "failed": self.ops[ALLOC_FAIL] + self.ops[RE_FAIL],
            "allocated_bytes": self.allocated_bytes.value(),
            "live_bytes": self.live_bytes.value(),
            "live_count": self.live_count.value(),
            "peak_bytes": self.peak_bytes,
            "peak_count": self.peak_count,
            "temporary": self.temporary.value(),
            "unknown_frees": self.unknown_frees,
            "unended_blocks": self.unended,
            "by_function": {
                FUNCS.get(f, "func-%d" % f): n.value()
                for f, n in sorted(self.by_function.items())
                if n.value()
            },
            "by_op": {OPS[op]: n for op, n in sorted(self.ops.items())},
        }


def _load_time(folded):
    """A reader knows of folded blocks before all rows of the time at which their block begins."""
    return (max(folded.block.begin_ticks - 1, 0), folded.block.thread)
