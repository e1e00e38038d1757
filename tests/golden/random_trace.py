#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
random_trace.py - a trace of a made-up program, and what is true of it.

usage: random_trace.py SEED EVENTS OUT.zst TRUTH.json [exact|folded|sampled|both]

Folded: a part of the pairs in a block have no rows. Sampled: from some point on only a sample is
recorded, so that no more is true than what failed and how it ended. Prints the peak in bytes. The
seed chooses everything: threads, who frees what, reallocs that move, stay and fail with other
threads' calls between their halves, addresses that are used again at once, layouts, where blocks
end, and how the program ends (in order, killed with a spool, killed in the middle of an append).
The truth is counted while the program runs, not from the trace.
"""
import json
import math
import random
from collections import Counter
import sys

sys.dont_write_bytecode = True

from scenes import EXE, T, start, write
from tracewriter import Defs, Kind, Row, SpoolWriter, local_pairs, rows_payload

MALLOC, CALLOC, REALLOC, NEW, FREE, DELETE = 1, 2, 3, 10, 32, 36
UNFOLLOWED, TEMPORARY = 0x400, 0x800


class Program:
    """The running program: an allocator with one free list, and threads that take turns."""

    def __init__(self, seed, trace, mode):
        self.random, self.trace, self.mode = random.Random(seed), trace, mode
        self.chance = random.Random(seed + 1000)  # of the writer, so that programs are the same
        self.sample, self.followed = 0, set()
        self.thread_count = self.random.choice((1, 1, 2, 3, 7))
        self.now, self.last_thread, self.top = T + 100, 0, 0x10000000
        self.live, self.order, self.free = {}, [], []  # addr -> size, thread, number
        self.half = {}  # thread -> realloc in progress
        self.newest, self.number = {}, 0
        self.rows = {thread: [] for thread in range(1, self.thread_count + 1)}
        self.growth = {thread: [] for thread in self.rows}  # bytes, by each row
        self.stacks = [2, 3, 4, 5]
        self.truth = dict.fromkeys(
            "events allocations reallocations frees failed allocated_bytes live_bytes live_count"
            " peak_bytes peak_count temporary".split(),
            0,
        )

    def stamp(self, thread):
        """Two threads never share a stamp here: their order would be a matter of chance."""
        if thread != self.last_thread or self.random.random() < 0.5:
            self.now += self.random.choice((1, 3, 90, 4000))
        self.last_thread = thread
        return self.now

    def record(self, thread, op, func, addr, size=0, stack=0, extra=0, growth=0):
        self.rows[thread].append(Row(self.stamp(thread), op, func, addr, size, stack, extra))
        self.growth[thread].append(growth)
        self.truth["events"] += 1

    def follows(self, addr, size):
        """Whether an allocation is recorded."""
        p = -math.expm1(-max(size, 1) / self.sample) if self.sample else 1
        if self.chance.random() < p:
            self.followed.add(addr)
        return addr in self.followed

    def told(self, thread, addr):
        """The extra of an end."""
        temporary = self.sample and self.is_temporary(thread, self.live[addr])
        return TEMPORARY if temporary else 0

    def address(self):
        if self.free and self.random.random() < 0.8:
            return self.free.pop()
        self.top += 16 * self.random.randrange(1, 100)
        return self.top

    def begin(self, thread, addr, size):
        truth = self.truth
        self.number += 1
        self.live[addr] = (size, thread, self.number)
        self.order.append(addr)
        self.newest[thread] = self.number
        truth["allocations"] += 1
        truth["allocated_bytes"] += size
        self.revive(addr)

    def revive(self, addr):
        truth = self.truth
        truth["live_bytes"] += self.live[addr][0]
        truth["live_count"] = len(self.live)
        if truth["live_bytes"] > truth["peak_bytes"]:
            truth["peak_bytes"], truth["peak_count"] = truth["live_bytes"], truth["live_count"]

    def end(self, addr):
        block = self.live.pop(addr)
        self.truth["live_bytes"] -= block[0]
        self.truth["live_count"] = len(self.live)
        return block

    def is_temporary(self, thread, block):
        return block[1] == thread and block[2] == self.newest.get(thread)

    def victim(self):
        """A live block, often a young one."""
        while self.order:
            place = (
                len(self.order) - 1
                if self.random.random() < 0.6
                else self.random.randrange(len(self.order))
            )
            addr = self.order.pop(place)
            if addr in self.live:
                return addr
        return None

    def allocate(self, thread):
        size = self.random.choice((0, 8, 24, self.random.randrange(4096), 1 << 20))
        addr, func = self.address(), self.random.choice((MALLOC, CALLOC, NEW, REALLOC))
        stack = self.random.choice(self.stacks)
        if self.follows(addr, size):
            self.record(thread, 1, func, addr, size, stack, growth=size)
        self.begin(thread, addr, size)

    def release(self, thread, addr):
        func = self.random.choice((FREE, DELETE))
        if addr in self.followed:
            self.followed.remove(addr)
            extra = self.told(thread, addr)
            self.record(thread, 2, func, addr, extra=extra, growth=-self.live[addr][0])
        block = self.end(addr)
        self.truth["temporary"] += self.is_temporary(thread, block)
        self.truth["frees"] += 1
        self.free.append(addr)

    def begin_realloc(self, thread, addr):
        size = self.random.choice((0, 16, 100, 5000))
        followed = addr in self.followed
        self.followed.discard(addr)
        if followed:
            extra, growth = self.told(thread, addr), -self.live[addr][0]
            self.record(thread, 3, REALLOC, addr, size, extra=extra, growth=growth)
        block = self.end(addr)
        temporary = self.is_temporary(thread, block)
        how = "free" if size == 0 else self.random.choice(("move", "stay", "fail"))
        if how == "free":
            self.truth["frees"] += 1
            self.truth["temporary"] += temporary
            self.free.append(addr)
            return
        if how == "move":
            self.free.append(addr)
        self.half[thread] = (how, addr, size, block, temporary, followed)

    def end_realloc(self, thread):
        how, addr, size, block, temporary, followed = self.half.pop(thread)
        stack = self.random.choice(self.stacks)
        if how == "fail":
            if followed:
                self.followed.add(addr)
                self.record(thread, 5, REALLOC, addr, size, stack, growth=block[0])
            self.truth["failed"] += followed
            self.live[addr] = block
            self.order.append(addr)
            self.revive(addr)
            return
        if how == "move":
            addr = self.address()
        if self.follows(addr, size):
            self.record(thread, 4, REALLOC, addr, size, stack, growth=size)
        elif followed:
            self.record(thread, 4, REALLOC, 0, size, stack, UNFOLLOWED)
        self.truth["reallocations"] += 1
        self.truth["temporary"] += temporary
        self.begin(thread, addr, size)

    def step(self):
        thread = self.random.randrange(1, self.thread_count + 1)
        if thread in self.half:
            self.end_realloc(thread)
            return
        chance = self.random.random()
        if chance < 0.03:
            self.truth["failed"] += 1
            self.record(thread, 6, MALLOC, 0, 1 << 50, 4)
            return
        addr = self.victim() if chance < 0.55 else None
        if addr is None:
            self.allocate(thread)
        elif chance < 0.15:
            self.begin_realloc(thread, addr)
        else:
            self.release(thread, addr)

    def new_stack(self):
        ident = self.stacks[-1] + 1
        d = Defs().stack(ident, self.random.choice(self.stacks), EXE + 0x1000 + 16 * (ident % 256))
        self.stacks.append(ident)
        return d


def fold(p, thread):
    """Takes a part of the pairs out of the thread's rows: (rows, kinds, crest, most)."""
    rows, growth = p.rows[thread], p.growth[thread]
    gone = {end: begin for end, begin in local_pairs(rows)[1].items()
            if (rows[begin].op, rows[end].op) == (1, 2) and p.chance.random() < 0.8}
    begins = {begin: end for end, begin in gone.items()}
    allocations = [i for i, r in enumerate(rows) if r.op in (1, 4)]
    live, kept, level, height, held, most = set(), [], 0, 0, 0, 0
    crest, crest_live = 0, set()
    for i, row in enumerate(rows):
        level += growth[i]
        if i in begins:
            live.add(i)
        elif i in gone:
            live.discard(gone[i])
        else:
            kept.append(row)
        held = sum(rows[begin].size for begin in live)
        most = max(most, held)
        if level > height:
            height, crest, crest_live = level, len(kept), set(live)
    count, temporary, alive = Counter(), Counter(), Counter()
    for begin, end in begins.items():
        first, last = rows[begin], rows[end]
        kind = (first.func, last.func, first.extra, last.extra, first.stack, first.size)
        count[kind] += 1
        temporary[kind] += not any(begin < other < end for other in allocations)
        alive[kind] += begin in crest_live
    kinds = [Kind(*kind, n, temporary[kind], alive[kind]) for kind, n in sorted(count.items())]
    return kept, kinds, crest, p.chance.choice((None, most))


def flush(p, t, thread):
    """The thread's rows become a block of the trace."""
    rows = p.rows[thread]
    if not rows:
        return
    how = {"addressed": p.thread_count > 1, "sample": p.sample}
    layout = p.random.choice((1, 2))
    if layout == 2 and t.version > 1 and p.chance.random() < 0.7:
        how.update(form=2, stamps=p.chance.random() < 0.5)
    if p.mode in ("folded", "both") and layout == 2:
        kept, *folded = fold(p, thread)
        t.folded(thread, kept, *folded, begin=rows[0].ticks, end=rows[-1].ticks, **how)
    elif layout == 2:
        t.events(thread, rows, 2, **how)
    else:
        t.events(thread, rows, 1, sample=p.sample)
    p.rows[thread], p.growth[thread] = [], []


def run(p, t, events):
    for thread in range(2, p.thread_count + 1):
        t.defs(Defs().thread(thread, T + thread, 4242 + thread, 1, 3, "t%d" % thread))
    begin_sample = events // 3 if p.mode in ("sampled", "both") else None
    steps = 0
    while p.truth["events"] < events and steps < 20 * events:
        p.step()
        steps += 1
        if begin_sample is not None and p.truth["events"] >= begin_sample:
            begin_sample = None
            for thread in p.rows:
                flush(p, t, thread)
            p.sample = p.chance.choice((300, 2000, 50000))
            t.defs(Defs().step(p.now, 3, p.sample, len(t.data)))
        if p.random.random() < 0.01:
            t.defs(p.new_stack())
            t.stacks += 1
        if p.random.random() < 0.005:
            flush(p, t, p.random.randrange(1, p.thread_count + 1))
    for thread in sorted(p.half):
        p.end_realloc(thread)


def finish(p, t):
    """Ends the program by the seed's choice; returns the spool, or None."""
    how = p.random.choice(("exit", "killed", "cut"))
    p.truth["end"] = "exit" if how == "exit" else "killed"
    if how == "exit":
        for thread in p.rows:
            flush(p, t, thread)
        t.finish()
        return None
    spool = SpoolWriter(t)
    cut = None
    for thread, rows in p.rows.items():
        if not rows:
            continue
        seq = t.seq.get(thread, 0)
        size = -(-(64 + 32 * len(rows)) // 4096) * 4096
        if how == "cut" and cut is None:
            cut = len(t.data)
            flush(p, t, thread)
        payload = rows_payload(rows)
        spool.chunk(2, 1, thread, seq, rows[0].ticks, payload, size, sample=p.sample)
    if cut is not None:
        del t.data[p.random.randrange(cut + 4, len(t.data)) :]
    return spool


def main(argv):
    mode = argv[5] if len(argv) == 6 else "exact"
    if len(argv) not in (5, 6) or mode not in ("exact", "folded", "sampled", "both"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    t = start(int(argv[1]), "random", version=1 if mode == "exact" and int(argv[1]) % 2 else 2)
    p = Program(int(argv[1]), t, mode)
    run(p, t, int(argv[2]))
    spool = finish(p, t)
    write(argv[3], t.data)
    if spool:
        write(argv[3] + ".spool", spool.data)
    print(p.truth["peak_bytes"])
    unknown = ()
    if mode == "folded":  # which rows are temporary is not told; the peak of threads neither
        unknown = ("temporary",) + ("peak_bytes", "peak_count") * (p.thread_count > 1)
    elif mode != "exact":
        unknown = set(p.truth) - {"events", "failed", "end"}
    for key in unknown:
        del p.truth[key]
    write(argv[4], (json.dumps(p.truth, indent=1) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
