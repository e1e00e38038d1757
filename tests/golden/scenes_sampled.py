# SPDX-License-Identifier: MIT
"""
scenes_sampled.py - the good golden traces of what version 2 added: samples, folded blocks, steps of
the budget, the second form of columns. As in scenes.py, each function writes one and returns what is true of it, counted by hand.

A block of HALF bytes is in a sample of mean distance N with p = 1/2 (to 10 digits), so it stands for
two; one of ALL bytes always is, and stands for itself.
"""
from scenes import (
    ALLOC_FAIL,
    BRK,
    EVERY_TRUTH,
    MALLOC,
    MMAP,
    MUNMAP,
    REALLOC,
    RE_ALLOC,
    RE_FAIL,
    RE_FREE,
    REALLOC_TRUTH,
    T,
    a,
    every_function,
    f,
    realloc_rows,
)
from tracewriter import Defs, Kind, Row, SpoolWriter, rows_payload, steps_payload

N, HALF, ALL = 36744, 25469, 10 << 20
NEW, DELETE, FREE = 10, 36, 32
UNFOLLOWED, TEMPORARY = 0x400, 0x800


def sampled_rows():
    return [
        f(4, 0x100),  # of the time before the sample
        a(5, 0x1000, HALF, 5),
        a(6, 0x2000, HALF, 5),
        f(7, 0x2000, extra=TEMPORARY),
        a(8, 0x3000, HALF, 4),
        f(9, 0x3000),  # other allocations came in between, which are in no row
        a(10, 0x4000, ALL, 4),
        Row(T + 330, ALLOC_FAIL, MALLOC, 0, 1 << 60, 4),  # recorded always
    ]


SAMPLED_TRUTH = {
    "events": 11,
    "allocations": 3 + 2 * 3 + 1,
    "frees": 1 + 2 * 2,
    "failed": 1,
    "allocated_bytes": 130 + 6 * HALF + ALL,
    "live_bytes": 120 + 2 * HALF + ALL,
    "live_count": 2 + 2 + 1,
    "peak_bytes": 120 + 2 * HALF + ALL,
    "peak_count": 5,
    "temporary": 2,
    "unknown_frees": 0,
    "end": "exit",
}


def _sampled(t, layout):
    t.events(1, [a(1, 0x100, 10), a(2, 0x200, 20), a(3, 0x300, 100)], layout)
    t.events(1, sampled_rows(), layout, sample=N)
    t.finish()
    return SAMPLED_TRUTH


def sampled_by_rows(t):
    """Three blocks exactly, and then one in N bytes."""
    return _sampled(t, 1)


def sampled_by_columns(t):
    return _sampled(t, 2)


def _sampled_reallocs(t, layout):
    def half(n, addr, size, extra=0):
        return Row(T + 30 * n, RE_FREE, REALLOC, addr, size, extra=extra)

    def whole(n, addr, size, extra=0):
        return Row(T + 30 * n, RE_ALLOC, REALLOC, addr, size, 5, extra)

    t.events(
        1, [a(1, 0x100, 10), a(2, 0x200, 20), a(3, 0x300, 30), a(4, 0x500, 40)], layout
    )
    t.events(
        1,
        [
            half(5, 0x100, HALF),
            whole(5, 0x110, HALF),  # followed before, and in the sample now
            half(6, 0x110, 5),
            whole(6, 0, 5, UNFOLLOWED),  # no longer
            whole(7, 0x700, HALF),  # now, and not before
            half(8, 0x700, 1 << 40),
            Row(T + 240, RE_FAIL, REALLOC, 0x700, 1 << 40, 5),  # fails: it lives on
            half(9, 0x200, 0),  # realloc(p, 0) frees
            half(10, 0x300, HALF),
            whole(10, 0x300, HALF),  # in the sample now, and in the same place
            f(11, 0x300, extra=TEMPORARY),
            half(12, 0x500, 7),
            whole(12, 0, 7, UNFOLLOWED),
        ],
        layout,
        sample=N,
    )
    t.finish()
    return {
        "allocations": 4 + 2 * 3,
        "reallocations": 2 * 3,
        "frees": 1 + 2,
        "failed": 1,
        "allocated_bytes": 100 + 6 * HALF,
        "live_bytes": 2 * HALF,
        "live_count": 2,
        "peak_bytes": 4 * HALF + 40,
        "peak_count": 5,
        "temporary": 2,
        "unknown_frees": 0,
    }


def sampled_reallocs_by_rows(t):
    """A realloc decides anew what is followed: every way in which it can."""
    return _sampled_reallocs(t, 1)


def sampled_reallocs_by_columns(t):
    return _sampled_reallocs(t, 2)


def sampled_and_killed(t):
    """The chunk of the spool is of the sample too."""
    t.events(1, [a(1, 0x100, 10), a(2, 0x200, 20), a(3, 0x300, 100)])
    t.events(1, sampled_rows()[:3], sample=N)
    s = SpoolWriter(t)
    s.chunk(2, 1, 1, 2, T + 210, rows_payload(sampled_rows()[3:]), sample=N)
    return dict(SAMPLED_TRUTH, end="killed"), s


def folded(t):
    """
    Blocks of three kinds beside two that have rows. The crest is behind the second of these, when
    two blocks of 50 bytes and one of none are alive. In the next block everything is folded; it is
    alive beside 500 bytes, and no peak. The last is as ever, and one.
    """
    kinds = [
        Kind(MALLOC, FREE, 0, 0, 5, 50, 7, 5, 2),
        Kind(MALLOC, FREE, 0x200, 0, 4, 0, 3, 3, 1),
        Kind(NEW, DELETE, 0x40, 0x80, 5, 16, 100, 100, 0),
    ]
    t.folded(1, [a(1, 0x100, 1000), a(5, 0x200, 500), f(6, 0x100)], kinds, 2, most=200)
    t.folded(1, [], [Kind(MALLOC, FREE, 0, 0, 2, 900, 1, 1, 1)], 0, begin=T + 200, end=T + 900)
    t.events(1, [a(40, 0x300, 1101)])
    t.finish()
    return {
        "events": 4 + 2 * 111,
        "folded": 111,
        "allocations": 3 + 111,
        "frees": 1 + 111,
        "allocated_bytes": 1500 + 350 + 1600 + 900 + 1101,
        "live_bytes": 1601,
        "live_count": 2,
        "peak_bytes": 1601,
        "peak_count": 2,
        "temporary": 5 + 3 + 100 + 1,
    }


def folded_peak(t):
    """As above, and the peak is the crest of the first block."""
    kinds = [
        Kind(MALLOC, FREE, 0, 0, 5, 50, 7, 5, 2),
        Kind(MALLOC, FREE, 0x200, 0, 4, 0, 3, 3, 1),
    ]
    t.folded(1, [a(1, 0x100, 1000), a(5, 0x200, 500), f(6, 0x100)], kinds, 2)
    t.folded(1, [a(20, 0x300, 1)], [Kind(MALLOC, FREE, 0, 0, 2, 1099, 1, 1, 1)], 0, begin=T + 210)
    t.finish()
    return {
        "events": 4 + 2 * 11,
        "live_bytes": 501,
        "live_count": 2,
        "peak_bytes": 1600,
        "peak_count": 5,
        "temporary": 9,
    }


def folded_debts(t):
    """
    Thread 1's three folded pairs each began one block and ended another, which thread 2 allocated
    in its place. What thread 2 frees at 0x6000 is from before the recording: a false debt, which is
    void when thread 1's block ends.
    """
    t.defs(Defs().thread(2, T + 20, 4243, 1, 3, "other"))
    t.folded(
        1,
        [a(1, 0x9000, 8)],
        [Kind(MALLOC, FREE, 0, 0, 4, 40, 3, 0, 1)],
        1,
        end=T + 900,
        addressed=True,
    )
    t.events(
        2,
        [
            f(5, 0x7000),
            a(6, 0x7000, 50, 5),  # thread 1 frees it
            f(8, 0x8000),
            a(9, 0x8000, 60, 5),
            f(10, 0x8000),
            a(11, 0x8000, 70, 5),  # thread 1 frees it
            f(12, 0x6000),
            f(13, 0x5000),
            a(14, 0x5000, 30, 5),  # thread 1 frees it
            a(16, 0x5000, 31, 5),
            Row(T + 510, RE_FREE, REALLOC, 0x4000, 99),
            Row(T + 510, RE_FAIL, REALLOC, 0x4000, 99, 5),
            a(29, 0x4000, 6, 5),
            a(40, 0x6000, 5, 5),
        ],
        2,
        addressed=True,
    )
    t.events(1, [a(44, 0x9100, 1), f(45, 0x9000)])
    t.finish()
    return {
        "allocations": 2 + 3 + 7,
        "frees": 1 + 3 + 5,
        "live_bytes": 31 + 6 + 5 + 1,
        "live_count": 4,
        "peak_bytes": 8 + 50 + 70 + 31 + 6,
        "peak_count": 5,
        "temporary": 1,
        "unknown_frees": 0,
        "unended_blocks": 0,
        "failed": 1,
        "threads": 2,
    }


def steps(t):
    """Three steps, each in force from the next block on; folded blocks of the last are of a sample."""
    t.events(1, [a(1, 0x100, 10), a(2, 0x200, 20)], 2)
    t.defs(Defs().step(T + 65, 1, 0, 25_000_000))
    t.events(1, [a(5, 0x300, 30), f(5, 0x300), a(5, 0x400, 40)], 2)
    t.defs(Defs().step(T + 160, 2, 0, 50_000_000))
    t.folded(1, [f(6, 0x100)], [Kind(MALLOC, FREE, 0, 0, 4, 30, 4, 4, 1)], 0, begin=T + 170)
    t.defs(Defs().step(T + 200, 3, N, 75_000_000))
    t.folded(
        1,
        [a(8, 0x500, HALF, 5)],
        [Kind(MALLOC, FREE, 0, TEMPORARY, 4, HALF, 3, 3, 2)],
        0,
        begin=T + 230,
        sample=N,
    )
    t.finish()
    return {
        "events": 7 + 2 * 7,
        "folded": 7,
        "allocations": 4 + 4 + 6 + 2,
        "frees": 1 + 1 + 4 + 6,
        "allocated_bytes": 10 + 20 + 30 + 40 + 120 + 8 * HALF,
        "live_bytes": 60 + 2 * HALF,
        "live_count": 4,
        "peak_bytes": 60 + 4 * HALF,
        "peak_count": 6,
        "temporary": 1 + 4 + 6,
        "steps": [
            [T + 65, 1, 0, 25_000_000],
            [T + 160, 2, 0, 50_000_000],
            [T + 200, 3, N, 75_000_000],
        ],
    }


def second_form(t):
    """One call of every function: alone, with times to 2 ticks, and without local pairs."""
    rows = every_function()
    how = {"form": 2, "stamps": True}
    t.events(1, rows[:20], 2, time_shift=1, other_columns=[(200, b"of a later version")], **how)
    t.events(1, rows[20:], 2, begin=rows[19].ticks, local=False, addr_shift=0, form=2)
    t.finish()
    return dict(EVERY_TRUTH)


def second_form_stamps(t):
    """One time for several rows, and then another one for as many: six pairs of 8 bytes."""
    rows = []
    for i in range(6):
        n = i // 2 * 3
        rows += [a(n, 0x1000 + 32 * i, 8), f(n, 0x1000 + 32 * i)]
    rows += [a(40, 0x5000, 1), a(40, 0x5100, 1), a(41, 0x5200, 1), a(41, 0x5300, 1)]
    t.events(1, rows, 2, begin=T - 5, stamps=True, form=2)
    t.finish()
    return {
        "events": 16,
        "allocations": 10,
        "frees": 6,
        "allocated_bytes": 52,
        "live_bytes": 4,
        "live_count": 4,
        "peak_bytes": 8,
        "peak_count": 1,
        "temporary": 6,
    }


def second_form_reallocs(t):
    """As realloc-by-columns, alone and with addresses."""
    rows = realloc_rows()
    t.events(1, rows[:10], 2, form=2)
    t.events(1, rows[10:], 2, form=2, addressed=True)
    t.finish()
    return REALLOC_TRUTH


def second_form_threads(t):
    """
    Addresses that go to and fro between two threads, and are given out again: 3 and 5 blocks, of
    which one each is left. Thread 1 maps a page where its first block was.
    """
    t.defs(Defs().thread(2, T + 20, 4243, 1, 3, "other"))
    first = [
        a(1, 0x7000, 40),
        a(2, 0x7F0000008000, 16),
        f(5, 0x7000),  # which is thread 2's by now
        f(6, 0x7F0000008000),
        Row(T + 210, MMAP, 64, 0x7000, 4096, 4, 0x13),
        Row(T + 240, MUNMAP, 65, 0x7000, 4096),
        a(9, 0x7F0000008000, 24),
        Row(T + 300, BRK, 68, 0x556000021000, 0x21000, 4),
    ]
    second = [
        f(3, 0x7000),
        a(4, 0x7000, 50, 5),
        a(12, 0x9000, 100),
        a(13, 0x9100, 100),
        f(14, 0x9000),
        f(15, 0x9100),
        a(16, 0x9000, 7),
        a(17, 0x9100, 8),
        f(18, 0x9000),
    ]
    t.events(1, first, 2, form=2, addressed=True)
    t.events(2, second, 2, form=2, addressed=True)
    t.finish()
    return {
        "events": 17,
        "allocations": 8,
        "frees": 6,
        "allocated_bytes": 40 + 16 + 24 + 50 + 100 + 100 + 7 + 8,
        "live_bytes": 24 + 8,
        "live_count": 2,
        "peak_bytes": 24 + 200,
        "peak_count": 3,
        "unknown_frees": 0,
        "threads": 2,
    }


GOOD = [
    sampled_by_rows,
    sampled_by_columns,
    sampled_reallocs_by_rows,
    sampled_reallocs_by_columns,
    sampled_and_killed,
    folded,
    folded_peak,
    folded_debts,
    steps,
    second_form,
    second_form_stamps,
    second_form_reallocs,
    second_form_threads,
]
IMPAIRED = []


def crooked(t):
    """Sound frames around numbers that no writer counts, and a block that is in order."""
    rows = [a(1, 0x100, 10)]

    def kind(**numbers):
        return Kind(MALLOC, FREE, 0, 0, 4, 16, 5)._replace(**numbers)

    for wrong in (
        kind(count=0),
        kind(live=6),
        kind(temporary=6),
        kind(size=1 << 48),
        kind(size=1 << 20, count=(1 << 36) + 1),
        kind(size=0, count=(1 << 40) + 1),
        kind(stack=-1),
        kind(stack=1 << 32),
        kind(extra=1 << 16),
    ):
        t.folded(1, rows, [wrong], 1)
    t.folded(1, rows, [kind(size=0, count=1 << 39)] * 3, 1)
    t.folded(1, rows, [kind(size=1 << 17, count=1 << 38)] * 3, 1)
    t.folded(1, rows, [kind()], 2)  # a crest beyond the rows
    t.folded(1, rows, [kind()], 1, most=81)  # more than all of them
    for column in (b"\5", b"\xff\xff\xff\xff\x0f", b"\1" + b"\1" * 9, b"\xff" * 11):
        t.events(1, rows, 2, other_columns=[(7, column)])
    t.events(1, rows, sample=(1 << 46) + 1)
    t.events(1, rows, 2, sample=(1 << 64) - 1)
    t.events(1, [a(3, 0x200, 20)], 2)
    t.defs(Defs().step(T, 1).step(T, 9, 1 << 63, 1))
    t.finish()


def crooked_steps(t):
    """Blocks of the second form that no writer makes, and one that is in order."""
    rows = [a(1, 0x100, 10), f(2, 0x100), f(3, 0x100), a(4, 0x100, 10)]
    sound = {8: b"", 9: b"", 11: b"", 13: b"", 15: b""}
    payload = steps_payload(rows, T + 30, stamps=True)
    at = 1 + 2 * payload[0]
    for i in range(payload[0]):
        number, length = payload[1 + 2 * i], payload[2 + 2 * i]
        sound[number] = payload[at : at + length]
        at += length

    def block(**changed):
        columns = dict(sound)
        columns.update((int(key[1:]), value) for key, value in changed.items())
        t.raw_block(
            2,
            2,
            1,
            T + 30,
            T + 120,
            len(rows),
            bytes([len(columns)])
            + b"".join(bytes([i, len(c)]) for i, c in columns.items())
            + b"".join(columns.values()),
        )

    block(_9=b"\0\0\0\6")  # a shape that is not there
    block(_9=b"\4\0\0\0")  # one that no row has had yet
    block(_9=b"\1\0\0\0")  # a local end before its shape
    block(_9=b"\0\0\1\0")  # two ends of one block
    block(_9=b"\0\0\0")
    block(_10=b"\1")  # a rank without its block
    block(_10=b"")
    block(_11=sound[11][:1] + b"\x81")  # the second address that was given back, of one
    block(_11=sound[11][:1] + b"\xf8")
    block(_11=sound[11][:1] + b"\xf7")  # eight bytes that are not there
    block(_11=sound[11][:1])
    block(_13=sound[13][:1] + b"\x80")  # other addresses have no ranks
    block(_15=b"\0\3\0")  # a distance of nothing
    block(_15=b"\0\4\1\4")  # two stamps of one row
    block(_15=b"\x40\3\1")
    block(_8=b"\1\1\7\1\0\1\0\0")  # a kind that is not there
    block(_8=b"\1\1\x0a\1\0\0\0\0")  # an op that is none
    block(_8=b"\xff\xff\x7f\1\1\1\0\0\0\0")
    block()
    t.finish()
