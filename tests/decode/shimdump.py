#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
shimdump.py - the second decoder of the trace format, written from docs/trace-format.md alone.

usage: shimdump.py totals|dump|rows|leaks|check TRACE

  totals  one JSON object with everything that the events add up to (terms: shimreplay.py)
  dump    every frame and record as text
  rows    every event in merged order: ticks, thread, op, function, address, size, stack, extra
  leaks   unfreed blocks by stack and function, frames as module+offset, largest first
  check   every breach of the specification, one line each; exit status 1 if there are any

Exit status: 0 fine, 1 not a trace or (check) a breach, 2 usage. Needs python3-zstandard, nothing
else.
"""
import json
import os
import sys

from shimdefs import Definitions, show
from shimevents import Events, FUNCS, IGNORED, OPS, TEMPORARY, UNFOLLOWED
from shimfile import Foreign, Trace
from shimreplay import Sum, Totals


class Decoded:
    """A trace with its definitions and events."""

    def __init__(self, path):
        self.trace = Trace(path)
        self.definitions = Definitions(self.trace)
        self.events = Events(self.trace)

    def end(self):
        """
        Why the trace ends: the footer's word, `killed` with a spool and `incomplete` with neither.
        """
        if self.trace.end_facts is not None and not self.trace.spool_blocks:
            return show(self.trace.end_facts.get(b"end", b""))
        return "killed" if self.trace.spool else "incomplete"

    def lost(self):
        footer, spool = self.trace.end_facts or {}, self.trace.spool or {}
        return max(sum(self.events.lost.values()), _number(footer, b"lost"), spool.get("lost", 0))


def _number(facts, key):
    value = facts.get(key, b"0")
    return int(value) if value.isdigit() else 0


def totals(d):
    folded = sum(f.pairs for f in d.events.folded)
    replayed = Totals(d.events)
    report = {"schema": "shimdump-totals/1", "events": len(d.events) + 2 * folded}
    report.update(replayed.report())
    threads = set(d.definitions.threads) | {b.thread for b in d.events.blocks}
    report.update(
        stacks=len(d.definitions.stacks),
        modules=len(d.definitions.modules),
        threads=len(threads),
        lost=d.lost(),
        end=d.end(),
        damaged=d.trace.damaged,
        unknown_stacks=sum(
            n.value()
            for stack, n in replayed.stack_allocations.items()
            if stack > 1 and stack not in d.definitions.stacks
        ),
        blocks_missing=d.events.missing + d.definitions.lost_blocks,
    )
    if folded:
        report.update(folded=folded)
    if d.definitions.steps:
        report.update(steps=[list(step) for step in d.definitions.steps])
    json.dump(report, sys.stdout, indent=1)
    print()
    return 0


def _row(d, row):
    e = d.events
    addr = "pair-%d" % e.pair[row] if e.pair[row] else "%#x" % e.addr[row]
    return "%d\t%d\t%s\t%s\t%s\t%d\t%d\t%#x" % (
        e.ticks[row],
        e.thread[row],
        OPS[e.op[row]],
        FUNCS.get(e.func[row], e.func[row]),
        addr,
        e.size[row],
        e.stack[row],
        e.extra[row],
    )


def rows(d):
    print("ticks\tthread\top\tfunc\taddr\tsize\tstack\textra")
    for row in d.events.order():
        print(_row(d, row))
    return 0


def dump(d):
    t = d.trace
    print("header run_id %s" % (t.run_id if t.run_id is None else "%#018x" % t.run_id))
    for key, value in t.facts.items():
        print("  %s = %s" % (show(key), show(value)))
    of_block = {}
    for b, kind, said in d.definitions.records:
        of_block.setdefault(id(b), []).append("  %s: %s" % (type_name(kind), said))
    first_row = {}
    for row, number in enumerate(d.events.block):
        first_row.setdefault(id(d.events.blocks[number]), []).append(row)
    folded = {id(f.block): f for f in d.events.folded}
    for b in t.blocks:
        print(
            "%s kind %d layout %d ticks %d..%s mono_ns %d rows %s lost %d%s"
            % (
                b.where(),
                b.kind,
                b.layout,
                b.begin_ticks,
                b.end_ticks,
                b.begin_mono_ns,
                b.rows,
                b.lost,
                " sample %d" % b.sample_bytes if b.sample_bytes else "",
            )
        )
        for line in of_block.get(id(b), ()):
            print(line)
        for row in first_row.get(id(b), ()):
            print("  " + _row(d, row))
        if id(b) in folded:
            _dump_folded(folded[id(b)])
    if t.index is not None:
        print("index of %d blocks" % len(t.index))
    if t.spool:
        print("spool " + " ".join("%s %d" % pair for pair in t.spool.items()))
    if t.end_facts is not None:
        print("footer")
        for key, value in t.end_facts.items():
            print("  %s = %s" % (show(key), show(value)))
    return 0


def _dump_folded(folded):
    for k in folded.kinds:
        print(
            "  folded %d %s %s size %d stack %d extra %#x %#x temporary %d live %d"
            % (
                k.count,
                FUNCS.get(k.func, k.func),
                FUNCS.get(k.end_func, k.end_func),
                k.size,
                k.stack,
                k.extra,
                k.end_extra,
                k.temporary,
                k.live,
            )
        )
    print("  crest %d most %s" % (folded.crest, folded.most_bytes))


def type_name(kind):
    from shimdefs import NAMES

    return NAMES.get(kind, "record")


def leaks(d):
    """Blocks inside shim_ignore_begin/end are no leaks, and stay out."""
    sites, e = {}, d.events
    for block in Totals(e).live.values():
        if e.extra[block.row] & IGNORED:
            continue
        func = FUNCS.get(block.func, str(block.func))
        count, amount = sites.setdefault(
            (func, tuple(d.definitions.frames(block.stack))), (Sum(), Sum())
        )
        count.add(block.one)
        amount.add(block.bytes)
    sites = {key: (count.value(), amount.value()) for key, (count, amount) in sites.items()}
    for (func, frames), (count, amount) in sorted(
        sites.items(), key=lambda s: (-s[1][1], -s[1][0], s[0])
    ):
        print("%d bytes in %d blocks by %s" % (amount, count, func))
        for depth, frame in enumerate(frames):
            print("    #%d %s" % (depth, frame))
    return 0


def _used_before_definition(d):
    """
    Stacks of events: known, and from a block of definitions that precedes theirs in the file. The
    spool's come first of all in it.
    """
    place = {id(b): i for i, b in enumerate(d.trace.blocks)}
    places = [place[id(b)] if b.source == "trace" else len(place) for b in d.events.blocks]
    at, told = d.definitions.defined_at, set()
    used = set(zip(d.events.block, d.events.stack))
    number_of = {id(b): number for number, b in enumerate(d.events.blocks)}
    for folded in d.events.folded:
        used |= {(number_of[id(folded.block)], k.stack) for k in folded.kinds}
    for number, stack in used:
        if stack > 1 and at.get(stack, len(place)) > places[number] and stack not in told:
            told.add(stack)
            d.trace.problem(
                "%s: uses stack %d, which is not defined before it"
                % (d.events.blocks[number].where(), stack)
            )


def _check_reallocs(d):
    """Op 4 or 5 is the next event of op 3, 4 or 5 in its thread behind an op 3."""
    half = {}
    e = d.events
    for row in range(len(e)):
        op, thread = e.op[row], e.thread[row]
        if op not in (3, 4, 5):
            continue
        before = half.pop(thread, None)
        if op == 3:
            half[thread] = row
            if before is not None and e.size[before]:
                d.trace.problem(
                    "thread %d: a realloc of %d bytes without its other half"
                    % (thread, e.size[before])
                )
        elif before is None and op == 4 and _is_sampled(e, row) and not e.extra[row] & UNFOLLOWED:
            continue  # the old block was in no sample
        elif before is None:
            d.trace.problem("thread %d: %s without realloc-free" % (thread, OPS[op]))
        elif e.func[before] != e.func[row]:
            d.trace.problem("thread %d: the halves of a realloc name two functions" % thread)


def _is_sampled(events, row):
    return events.blocks[events.block[row]].sample_bytes != 0


def _check_flags(d):
    """Flags of samples where samples are, and where they mean something."""
    e = d.events
    for row in range(len(e)):
        if e.extra[row] & UNFOLLOWED and e.op[row] < 7 and (e.op[row] != 4 or e.addr[row]):
            d.trace.problem("a row of op %s that is not followed" % OPS[e.op[row]])
            break
        if e.extra[row] & TEMPORARY and e.op[row] < 7:
            if e.op[row] not in (2, 3) or not _is_sampled(e, row):
                d.trace.problem("a row of op %s is told to be temporary" % OPS[e.op[row]])
                break
    for folded in e.folded:
        for k in folded.kinds:
            if not 1 <= k.func <= 16 or not 32 <= k.end_func <= 40:
                d.trace.problem("%s: folded func %d and %d" % (folded.block.where(), *k[:2]))
                break


def check(d):
    t, end = d.trace, d.trace.end_facts
    Totals(d.events)
    _used_before_definition(d)
    _check_flags(d)
    if not d.events.missing:
        _check_reallocs(d)
    for row in range(len(d.events)):
        if d.events.func[row] not in FUNCS:
            t.problem("a row with func %d" % d.events.func[row])
            break
    may_be_unknown = any(step[1] == 3 for step in d.definitions.steps)
    for thread in sorted({b.thread for b in d.events.blocks} - set(d.definitions.threads)) if not may_be_unknown else ():
        t.problem("thread %d has events and no start" % thread)
    if d.end() == "incomplete":
        t.problem("no footer and no spool: incomplete")
    if end is not None and not t.spool_blocks:
        for key, have in ((b"events", len(d.events)), (b"stacks", len(d.definitions.stacks))):
            if key in end and _number(end, key) != have:
                t.problem(
                    "the footer counts %s %s, the trace has %d" % (show(end[key]), show(key), have)
                )
        if show(end.get(b"end", b"")) not in ("exit", "quick_exit", "_exit", "exec", "repaired"):
            t.problem("the footer's end is %r" % end.get(b"end"))
        if t.index is None:
            t.problem("a footer without an index before it")
    for line in t.problems:
        print(line)
    return 1 if t.problems else 0


def main(argv):
    commands = {"totals": totals, "dump": dump, "rows": rows, "leaks": leaks, "check": check}
    if len(argv) != 3 or argv[1] not in commands:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        return commands[argv[1]](Decoded(argv[2]))
    except (Foreign, OSError) as error:
        print("%s: %s" % (argv[2], error), file=sys.stderr)
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
