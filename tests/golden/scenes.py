# SPDX-License-Identifier: MIT
"""
scenes.py - the good golden traces: each function writes one and returns what is true of it, counted
by hand. The functions are listed in GOOD; a spool is returned beside the truth.
"""
from tracewriter import Defs, Row, SpoolWriter, TraceWriter, rows_payload, skippable

T = TraceWriter.START_TICKS
MALLOC, CALLOC, REALLOC, REALLOCARRAY, FREE = 1, 2, 3, 4, 32
ALLOC, END, RE_FREE, RE_ALLOC, RE_FAIL, ALLOC_FAIL, MMAP, MUNMAP, BRK = range(1, 10)
EXE, LIBC = 0x555500000000, 0x7F0000000000
EXE_ID, LIBC_ID = bytes(range(20)), bytes(range(20, 40))


def write(path, data):
    with open(path, "wb") as out:
        out.write(data)


def start(run_id, program, **how):
    """
    A trace with two modules, thread 1 and the stacks 2 = start, 3 = start/main, 4 and 5 =
    start/main/a, b.
    """
    t = TraceWriter(run_id, program, **how)
    d = Defs().clock(T, t.START_NS)
    d.load(1, T, EXE, "/opt/" + program, EXE_ID, [(0x1000, 0x2000, 5), (0x3000, 0x1000, 6)])
    d.load(2, T, LIBC, "/usr/lib/libc.so.6", LIBC_ID, [(0x26000, 0x155000, 5)])
    d.thread(1, T, 4242, name="main")
    d.stack(2, 0, LIBC + 0x27000).stack(3, 2, EXE + 0x1100).stack(4, 3, EXE + 0x1200).stack(
        5, 3, EXE + 0x1300
    )
    t.defs(d)
    t.stacks = 4
    return t


def a(n, addr, size, stack=4, func=MALLOC, extra=0, op=ALLOC):
    return Row(T + 30 * n, op, func, addr, size, stack, extra)


def f(n, addr, func=FREE, extra=0):
    return Row(T + 30 * n, END, func, addr, extra=extra)


def every_function():
    """
    One call of every allocating function (16 * its number bytes) and one free by every freeing one:
    9 blocks end.
    """
    rows, n = [], 1
    for func in range(1, 17):
        rows.append(
            a(
                n,
                0x10000 * func,
                16 * func,
                2 + func % 4,
                func,
                {6: 6, 10: 0x40, 11: 0x105}.get(func, 0),
            )
        )
        n += 1
    for func in range(32, 41):
        rows.append(f(n, 0x10000 * (func - 31), func, {36: 0x80, 37: 0x100}.get(func, 0)))
        n += 1
    return rows


EVERY_TRUTH = {
    "allocations": 16,
    "frees": 9,
    "allocated_bytes": 16 * 136,
    "peak_bytes": 16 * 136,
    "peak_count": 16,
    "live_count": 7,
    "live_bytes": 16 * (10 + 11 + 12 + 13 + 14 + 15 + 16),
    "temporary": 0,
    "end": "exit",
}


def rows_layout(t):
    rows = every_function()
    t.events(1, rows[:10])
    t.events(1, rows[10:])
    t.finish()
    return EVERY_TRUTH


def columns_layout(t):
    rows = every_function()
    t.events(1, rows[:20], 2, time_shift=1, other_columns=[(200, b"of a later version")])
    t.events(1, rows[20:], 2, begin=rows[19].ticks, local=False, addr_shift=0)
    t.data += skippable(0x184D2A5F, b"a frame of a later version")
    t.defs(
        Defs().record(1000, b"a record of a later version").stack(6, 1, EXE + 0x1400, 1, b"more")
    )
    t.stacks = 5
    t.finish("_exit")
    return dict(EVERY_TRUTH, end="_exit", stacks=5)


def local_rows():
    """
    Pairs inside pairs. Peak 60 bytes (10 + 20 + 30); temporary: the third, the fourth and the zero-
    sized one.
    """
    return [
        a(1, 0x100, 10),
        a(2, 0x200, 20, 5),
        a(3, 0x300, 30),
        f(4, 0x300),
        f(5, 0x100),
        a(6, 0x100, 5),
        f(7, 0x100),
        a(8, 0x100, 0),
        f(9, 0x100),
        a(10, 0x400, 7, 5),
    ]


LOCAL_TRUTH = {
    "allocations": 6,
    "frees": 4,
    "allocated_bytes": 72,
    "live_bytes": 27,
    "live_count": 2,
    "peak_bytes": 60,
    "peak_count": 3,
    "temporary": 3,
}


def local_pairs(t):
    t.events(1, local_rows(), 2)
    t.finish("quick_exit")
    return dict(LOCAL_TRUTH, end="quick_exit")


def addressed_pairs(t):
    """
    Two threads pass one address to and fro. Thread 1's allocation and free are a pair in its block,
    yet between them thread 2 freed the block and allocated another there, of 50 bytes: peak 50, all
    freed in the end.
    """
    t.defs(Defs().thread(2, T + 20, 4243, 1, 3, "other"))
    t.events(1, [a(1, 0x7000, 40), f(4, 0x7000)], 2, addressed=True)
    t.events(2, [f(2, 0x7000), a(3, 0x7000, 50, 5)], 2, addressed=True)
    t.finish()
    return {
        "allocations": 2,
        "frees": 2,
        "allocated_bytes": 90,
        "live_bytes": 0,
        "live_count": 0,
        "peak_bytes": 50,
        "peak_count": 1,
        "temporary": 0,
        "threads": 2,
    }


def threads(t):
    """
    Thread 1 allocates, 2 frees; 3 and 4 share stamps with them, so that thread index and position
    decide.
    """
    d = Defs()
    for index in (2, 3, 4):
        d.thread(index, T + 10 * index, 4241 + index, 1, 3, "worker-%d" % index)
    d.thread_name(3, T + 50, "renamed").mark(T + 60, 3, "half way")
    t.defs(d)
    t.events(1, [a(n, 0x1000 * n, 100) for n in range(1, 11)])
    t.events(3, [a(5, 0x100000, 1000, 5), f(6, 0x100000)], 2)
    t.events(
        2, [f(n, 0x1000 * n) for n in range(1, 10)], 2
    )  # stamped as the allocations are; 1 < 2
    t.events(
        4, [a(6, 0x100000, 2000, 5), a(6, 0x200000, 1, 5), f(6, 0x200000)]
    )  # behind thread 3's free: 3 < 4
    t.events(1, [a(11, 0x1000, 1), a(12, 0x2000, 2)])
    t.defs(Defs().thread_end(2, T + 360).thread_end(3, T + 365))
    t.finish()
    # Before its tenth, thread 1 has 1 block at a time. Peak: its sixth block beside thread 4's two,
    # 100 + 2000 + 1.
    return {
        "allocations": 15,
        "frees": 11,
        "allocated_bytes": 1000 + 1000 + 2001 + 3,
        "live_bytes": 100 + 2000 + 3,
        "live_count": 4,
        "peak_bytes": 2103,
        "peak_count": 4,
        "temporary": 2,
        "threads": 4,
    }


def dlclose(t):
    """
    Two plugins at one address, one after the other; each has a leak at the same pc. A third at it
    while none is loaded.
    """
    pc, place = 0x7E0000001234, 0x7E0000000000
    t.defs(
        Defs()
        .load(3, T + 10, place, "/opt/first.so", b"\1" * 20, [(0x1000, 0x1000, 5)])
        .stack(6, 3, pc)
    )
    t.events(1, [a(1, 0x100, 111, 6)])
    t.defs(Defs().unload(3, T + 40).stack(7, 3, pc))
    t.events(1, [a(2, 0x200, 333, 7)])
    t.defs(
        Defs()
        .load(4, T + 70, place, "/opt/second.so", b"\2" * 20, [(0x1000, 0x1000, 5)])
        .stack(8, 3, pc)
    )
    t.events(1, [a(3, 0x300, 222, 8), a(4, 0x400, 222, 8)])
    t.defs(Defs().unload(4, T + 130))
    t.stacks += 3
    t.finish()
    return {"live_bytes": 888, "live_count": 4, "modules": 4, "stacks": 7}


def realloc_rows():
    def half(n, addr, size, func=REALLOC):
        return Row(T + 30 * n, RE_FREE, func, addr, size)

    def whole(n, addr, size, func=REALLOC):
        return Row(T + 30 * n, RE_ALLOC, func, addr, size, 5)

    return [
        a(1, 0x100, 10, func=REALLOC),  # realloc(NULL, 10)
        half(2, 0x100, 20),
        whole(2, 0x200, 20),  # moves; the first block was temporary
        half(3, 0x200, 30),
        whole(3, 0x200, 30),  # stays; temporary too
        a(4, 0x300, 7),
        half(5, 0x200, 1 << 40),
        Row(T + 150, RE_FAIL, REALLOC, 0x200, 1 << 40, 5),  # fails: 30 bytes live on
        half(6, 0x300, 0),  # realloc(p, 0) frees; temporary
        a(7, 0x400, 64, func=CALLOC),
        half(8, 0x400, 128, REALLOCARRAY),
        whole(8, 0x500, 128, REALLOCARRAY),  # temporary
        Row(T + 270, ALLOC_FAIL, MALLOC, 0, 1 << 60, 4),
        half(10, 0x500, 0),
        whole(10, 0x600, 0),  # realloc(p, 0) that gives a block; temporary
        f(11, 0x200),
    ]


# Live at the end: the block of 0 bytes. Peak: 30 + 128 bytes after the reallocarray.
REALLOC_TRUTH = {
    "allocations": 7,
    "reallocations": 4,
    "frees": 2,
    "failed": 2,
    "live_bytes": 0,
    "live_count": 1,
    "allocated_bytes": 10 + 20 + 30 + 7 + 64 + 128,
    "peak_bytes": 158,
    "peak_count": 2,
    "temporary": 5,
}


def realloc_by_rows(t):
    t.events(1, realloc_rows())
    t.finish()
    return REALLOC_TRUTH


def realloc_by_columns(t):
    """
    The failing realloc's first half is a local end here: the block lives on under the address of op
    5.
    """
    t.events(1, realloc_rows(), 2)
    t.finish()
    return REALLOC_TRUTH


def mappings(t):
    """mmap and brk beside one heap block; they are no heap events."""
    t.events(
        1,
        [
            Row(T + 30, MMAP, 64, 0x7D0000000000, 1 << 20, 4, 0x13),
            a(2, 0x100, 1),
            Row(T + 90, MUNMAP, 65, 0x7D0000000000, 4096),
            Row(T + 120, MUNMAP, 66, 0x7D0000001000, 8192),
            Row(T + 120, MMAP, 66, 0x7C0000000000, 16384, 5, 0x13),
            Row(T + 150, BRK, 68, 0x556000021000, 0x21000, 4),
            Row(T + 180, BRK, 67, 0x556000020000, -0x1000, 4),
            Row(T + 210, MMAP, 64, 0x7C0000001000, 4096, 5, 0x31),
        ],
        2,
        addr_shift=12,
    )
    t.events(1, [Row(T + 240, MUNMAP, 65, 0x7C0000000000, 1 << 30)])
    t.finish()
    return {"events": 9, "live_bytes": 1, "live_count": 1, "peak_bytes": 1}


def deep_and_cut(t):
    """
    A stack of 300 frames, one cut off (parent 1), one in no module, a leak that is asked to be
    ignored.
    """
    d = Defs()
    for depth in range(300):
        d.stack(6 + depth, 5 + depth, EXE + 0x1500 + depth % 7)
    d.stack(306, 1, LIBC + 0x30000).stack(307, 306, 0xFFFFFFFFFF600401).stack(308, 3, 0x1111, 1)
    d.note(T + 5, 1, "a warning").recording(T + 6, 0).recording(T + 7, 1)
    t.defs(d)
    t.stacks += 303
    t.events(
        1,
        [
            a(1, 0x100, 3, 305),
            a(2, 0x200, 2, 307),
            a(3, 0x300, 1, 308),
            a(4, 0x400, 50, 4, extra=0x200),
            a(5, 0x500, 9, 0),
        ],
        2,
    )
    t.finish()
    return {"stacks": 307, "live_bytes": 65, "live_count": 5}


def exec_failed(t):
    """Footer and index for an exec that failed, then more events and the end that counts."""
    t.events(1, [a(1, 0x100, 10), a(2, 0x200, 20)])
    t.defs(Defs().process(T + 70, 2, 4242, "/no/such/program"))
    t.finish("exec")
    t.defs(Defs().process(T + 80, 4, 4242, "/no/such/program").process(T + 85, 1, 4250, ""))
    t.events(1, [f(3, 0x100), a(4, 0x300, 5)])
    t.finish("exit")
    return {
        "events": 4,
        "live_bytes": 25,
        "live_count": 2,
        "peak_bytes": 30,
        "end": "exit",
        "damaged": 0,
    }


def reused_address(t):
    """
    A block from before the recording is freed by thread 2; thread 1 is given its address 10 ns
    later, and keeps it.
    """
    t.defs(Defs().thread(2, T + 20, 4243, 1, 3, "other"))
    t.events(2, [f(1, 0x7000)])
    t.events(1, [a(2, 0x7000, 40)])
    t.finish()
    return {
        "events": 2,
        "allocations": 1,
        "unknown_frees": 1,
        "live_bytes": 40,
        "live_count": 1,
        "threads": 2,
    }


def lost_events(t):
    """
    A block of thread 1 is missing, and 7 events more were dropped: a free of an unknown block, one
    end not seen.
    """
    t.events(1, [a(1, 0x100, 10), a(2, 0x200, 20)])
    t.seq[1] += 1
    t.lost[1] = 7
    t.events(1, [f(5, 0x900), a(6, 0x200, 30)])
    t.finish()
    return {
        "events": 4,
        "frees": 1,
        "unknown_frees": 1,
        "live_bytes": 40,
        "live_count": 2,
        "lost": 7,
        "blocks_missing": 1,
    }


def killed(t):
    """
    Left by SIGKILL: the trace has no end, the spool has one chunk that the trace holds already, one
    of definitions, one each of two threads and an unused one. Behind the committed rows lies a row
    in the making, which is no event.
    """
    t.events(1, [a(1, 0x100, 10), a(2, 0x200, 20), f(3, 0x100)], 2)
    s = SpoolWriter(t, lost=0)
    s.chunk(2, 1, 1, 0, T + 30, rows_payload([a(1, 0x100, 10), a(2, 0x200, 20), f(3, 0x100)]))
    s.chunk(0, 0, 0, 0, 0, b"", size=8192)
    s.chunk(
        2,
        1,
        1,
        1,
        T + 120,
        rows_payload([f(4, 0x200), a(5, 0x300, 30, 6)]),
        garbage=rows_payload([a(6, 0x900, 999)]),
    )
    d = Defs().stack(6, 3, EXE + 0x1600).thread(2, T + 100, 4243, 1, 6, "late")
    s.chunk(1, 0, 0, 1, T + 100, d.bytes)
    s.chunk(2, 1, 2, 0, T + 130, rows_payload([a(5, 0x400, 40, 6)]), size=12288)
    return {
        "events": 6,
        "live_bytes": 70,
        "live_count": 2,
        "peak_bytes": 70,
        "stacks": 5,
        "threads": 2,
        "temporary": 1,
        "end": "killed",
    }, s


def killed_in_append(t):
    """The kill cut the last frame off; its chunk still has the rows."""
    rows = [a(n, 0x1000 * n, n) for n in range(1, 11)]
    t.events(1, rows[:4])
    whole = len(t.data)
    t.events(1, rows[4:9])
    del t.data[whole + (len(t.data) - whole) // 2 :]
    s = SpoolWriter(t)
    s.chunk(2, 1, 1, 1, rows[4].ticks, rows_payload(rows[4:9]))
    s.chunk(2, 1, 1, 2, rows[9].ticks, rows_payload(rows[9:]))
    return {"events": 10, "live_bytes": 55, "live_count": 10, "end": "killed"}, s


def killed_in_realloc(t):
    """The kill came between the halves of a realloc: the block lives on."""
    t.events(1, [a(1, 0x100, 10), a(2, 0x200, 20), Row(T + 90, RE_FREE, REALLOC, 0x200, 1000)])
    return {
        "events": 3,
        "live_bytes": 30,
        "live_count": 2,
        "frees": 0,
        "end": "killed",
    }, SpoolWriter(t)


def incomplete(t):
    """Neither footer nor spool."""
    t.events(1, local_rows(), 2)
    return dict(LOCAL_TRUTH, end="incomplete")


def foreign_spool(t):
    """A spool of another run lies beside the trace: ignored."""
    t.events(1, local_rows())
    s = SpoolWriter(t, run_id=0xBAD)
    s.chunk(2, 1, 1, 1, T + 3000, rows_payload([a(100, 0x9000, 9000)]))
    return dict(LOCAL_TRUTH, end="incomplete"), s


def compressed(t):
    """
    3000 events from a linear congruential generator, blocks compressed by libzstd; the only trace
    whose bytes are its.
    """
    state, live, rows, thread_rows = 1, [], [], {1: [], 2: []}
    t.defs(Defs().thread(2, T + 3, 4243, 1, 3, "second"))
    for n in range(1, 3001):
        state = (state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        thread = 1 + (state >> 60 & 1)
        if live and state >> 33 & 7 < 3:
            rows = f(n, live.pop((state >> 40) % len(live)))
        else:
            addr = 0x600000 + 0x400 * n
            live.append(addr)
            rows = a(n, addr, state >> 50 & 0x3FF, 2 + (state >> 36) % 4, extra=0)
        thread_rows[thread].append(rows)
    for at in range(0, 3000, 500):
        for thread, mine in sorted(thread_rows.items()):
            if mine[at : at + 500]:
                t.events(thread, mine[at : at + 500], 2, addressed=True)
    t.finish()
    return {"events": 3000, "live_count": len(live), "allocations": 1500 + len(live) // 2}


GOOD = [
    rows_layout,
    columns_layout,
    local_pairs,
    addressed_pairs,
    threads,
    dlclose,
    realloc_by_rows,
    realloc_by_columns,
    mappings,
    deep_and_cut,
    exec_failed,
    reused_address,
    lost_events,
    killed,
    killed_in_append,
    killed_in_realloc,
    incomplete,
    foreign_spool,
    compressed,
]

# By the exit statuses of shim-analyze: 2 where events are missing or the end is.
IMPAIRED = [lost_events, incomplete, foreign_spool]
