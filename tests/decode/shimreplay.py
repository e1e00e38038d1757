# SPDX-License-Identifier: MIT
"""
shimreplay.py - what the events of a trace add up to, event by event in merged order.

The terms: an *allocation* is an op 1 or 4, and when the op 3 before an op 4 ended a live block it
is a *reallocation* too; a *free* is an op 2, or an op 3 of size 0 that no op 4 or 5 follows.
`by_function` counts them all. The peak is the largest number of live bytes after any event
(`peak_count`: the blocks alive at the first such moment). A block is *temporary* when it was ended
(by free or by a realloc that succeeded) by the thread that allocated it, before that thread's next
allocation or reallocation.
"""
from collections import Counter

from shimevents import ALLOC, ALLOC_FAIL, FREE, FUNCS, OPS, RE_ALLOC, RE_FAIL, RE_FREE


class Totals:
    def __init__(self, events):
        self.ops = Counter(events.op)
        self.by_function = Counter()
        self.allocated_bytes = self.live_bytes = self.temporary = 0
        self.peak_bytes = self.peak_count = 0
        self.reallocations = self.realloc_frees = self.unknown_frees = self.unended = 0
        # address, or -number of a local pair -> (size, stack, func, thread, number of the row)
        self.live = {}
        self.newest = {}  # thread -> row of its newest allocation
        self._replay(events)

    def _end(self, key):
        block = self.live.pop(key, None)
        if block is None:
            self.unknown_frees += 1
        else:
            self.live_bytes -= block[0]
        return block

    def _begin(self, key, block):
        old = self.live.pop(key, None)
        if old is not None:  # its end was not seen
            self.unended += 1
            self.live_bytes -= old[0]
        self.live[key] = block
        self.live_bytes += block[0]
        if self.live_bytes > self.peak_bytes:
            self.peak_bytes, self.peak_count = self.live_bytes, len(self.live)

    def _is_newest(self, thread, block):
        return block is not None and self.newest.get(thread) == block[4]

    def _half_done(self, half, at_end):
        """
        A realloc-free with nothing behind it: a free when its size was 0. Otherwise the end of the
        trace came in between, and the block lives on; or the other half was lost, and so is the
        block.
        """
        block, size, key, func, was_newest = half
        if size == 0:
            self.realloc_frees += 1
            self.by_function[func] += 1
            self.temporary += was_newest
        elif at_end and block is not None and key not in self.live:
            self._begin(key, block)

    def _replay(self, events):
        ops, funcs, sizes, addrs, pairs, stacks, threads = (
            events.op,
            events.func,
            events.size,
            events.addr,
            events.pair,
            events.stack,
            events.thread,
        )
        by_function, newest, half = self.by_function, self.newest, {}
        for row in events.order():
            op = ops[row]
            if op > RE_FAIL:
                continue
            thread = threads[row]
            key = -pairs[row] or addrs[row]
            if op == ALLOC:
                size = sizes[row]
                by_function[funcs[row]] += 1
                self.allocated_bytes += size
                self._begin(key, (size, stacks[row], funcs[row], thread, row))
                newest[thread] = row
            elif op == FREE:
                by_function[funcs[row]] += 1
                self.temporary += self._is_newest(thread, self._end(key))
            else:
                before = half.pop(thread, None)
                if op == RE_FREE:
                    if before:
                        self._half_done(before, False)
                    block = self._end(key)
                    half[thread] = (
                        block,
                        sizes[row],
                        key,
                        funcs[row],
                        self._is_newest(thread, block),
                    )
                elif op == RE_ALLOC:
                    if before:
                        self.reallocations += before[0] is not None
                        self.temporary += before[4]
                    size = sizes[row]
                    by_function[funcs[row]] += 1
                    self.allocated_bytes += size
                    self._begin(key, (size, stacks[row], funcs[row], thread, row))
                    newest[thread] = row
                elif before:
                    if before[0] is None:
                        self.unknown_frees -= 1  # it was not freed
                    else:
                        self._begin(key, before[0])
        for _, before in sorted(half.items()):
            self._half_done(before, True)

    def report(self):
        return {
            "allocations": self.ops[ALLOC] + self.ops[RE_ALLOC],
            "frees": self.ops[FREE] + self.realloc_frees,
            "reallocations": self.reallocations,
            "failed": self.ops[ALLOC_FAIL] + self.ops[RE_FAIL],
            "allocated_bytes": self.allocated_bytes,
            "live_bytes": self.live_bytes,
            "live_count": len(self.live),
            "peak_bytes": self.peak_bytes,
            "peak_count": self.peak_count,
            "temporary": self.temporary,
            "unknown_frees": self.unknown_frees,
            "unended_blocks": self.unended,
            "by_function": {
                FUNCS.get(f, "func-%d" % f): n for f, n in sorted(self.by_function.items())
            },
            "by_op": {OPS[op]: n for op, n in sorted(self.ops.items())},
        }
