# SPDX-License-Identifier: MIT
"""
shimdefs.py - the stream of definitions (section 3 of docs/trace-format.md): stacks, modules,
threads, clock, marks.
"""
from shimfile import Damaged, text, unzigzag, varint, U64

NAMES = {
    1: "stack",
    2: "module load",
    3: "module unload",
    4: "thread start",
    5: "thread name",
    6: "thread end",
    7: "clock",
    8: "note",
    9: "mark",
    10: "process",
    11: "recording",
    12: "step",
}
LEVELS = {0: "info", 1: "warning", 2: "loss"}
STEPS = {1: "times", 2: "folded", 3: "sampled"}
WHAT = {1: "fork", 2: "exec", 3: "spawn", 4: "exec failed"}


class Reader:
    """The fields of one record's body."""

    def __init__(self, body):
        self.body, self.pos = body, 0

    def number(self):
        value, self.pos = varint(self.body, self.pos, len(self.body))
        return value

    def text(self):
        value, self.pos = text(self.body, self.pos, len(self.body))
        return value


class Module:
    def __init__(self, ident, ticks, bias, path, build_id, segments):
        self.ident, self.ticks, self.bias, self.path, self.build_id = (
            ident,
            ticks,
            bias,
            path,
            build_id,
        )
        self.segments = segments
        self.unload_ticks = None

    def holds(self, pc):
        at = (pc - self.bias) & U64
        return any(vaddr <= at < vaddr + size for vaddr, size, _ in self.segments)


class Definitions:
    """
    All records. `defined_at[id]` is the place of a stack's block among the blocks of the file.
    """

    def __init__(self, trace):
        self.trace = trace
        self.stacks = {}  # id -> (parent, pc, exact, epoch)
        self.defined_at = {}
        self.modules = {}  # id -> Module
        self.loaded = []  # modules in place now
        self.epochs = [()]  # snapshots of `loaded`, one for each change that a stack followed
        self.epoch_is_old = False
        self.threads = {}  # index -> {tid, creator, stack, name, start, end}
        self.clock, self.notes, self.marks, self.processes, self.recordings = [], [], [], [], []
        self.steps = []  # (ticks, step, sample bytes, size of the trace)
        self.records = []  # (block, type, text) for dump
        self.lost_blocks = 0
        self._read()

    def _read(self):
        place = {id(b): i for i, b in enumerate(self.trace.blocks)}
        expected, last_place, seen = 0, -1, set()
        for b in sorted((b for b in self.trace.blocks if b.kind == 1), key=lambda b: b.seq):
            if b.seq in seen:
                self.trace.problem("%s: the second with its number" % b.where(), 1)
                continue
            seen.add(b.seq)
            if b.thread or b.layout:
                self.trace.problem(
                    "%s: definitions of thread %d in layout %d" % (b.where(), b.thread, b.layout)
                )
            if b.layout:
                self.trace.damaged += 1
                continue
            if b.seq != expected:
                self.trace.problem("definitions: blocks missing before seq %d" % b.seq)
                self.lost_blocks += 1
            expected = b.seq + 1
            if place[id(b)] < last_place:
                self.trace.problem("%s: behind later definitions in the file" % b.where())
            last_place = place[id(b)]
            self._block(b, place[id(b)])

    def _block(self, b, place):
        payload, pos, end, count = b.payload, 0, len(b.payload), 0
        self.stack_id = self.stack_pc = 0
        self.at, self.place = b, place
        try:
            while pos < end:
                kind, pos = varint(payload, pos, end)
                size, pos = varint(payload, pos, end)
                if size > end - pos:
                    raise Damaged("record longer than its block")
                self._record(kind, Reader(payload[pos : pos + size]))
                pos += size
                count += 1
        except Damaged as error:
            self.trace.problem("%s: record %d: %s" % (b.where(), count, error), 1)
            return
        if b.rows is not None and b.rows != count:
            self.trace.problem("%s: %d records, its header says %d" % (b.where(), count, b.rows))

    def _record(self, kind, r):
        method = getattr(self, "_" + NAMES[kind].replace(" ", "_"), None) if kind in NAMES else None
        said = method(r) if method else "type %d, %d bytes" % (kind, len(r.body))
        self.records.append((self.at, kind, said))

    def _know_stack(self, ident, what):
        if ident > 1 and ident not in self.stacks:
            self.trace.problem(
                "%s: %s names stack %d before its definition" % (self.at.where(), what, ident)
            )

    def _stack(self, r):
        ident = self.stack_id + r.number()
        parent = ident - r.number()
        coded = r.number()
        pc = (self.stack_pc + unzigzag(coded >> 1)) & U64
        self.stack_id, self.stack_pc = ident, pc
        if ident < 2 or ident >= 1 << 32 or not 0 <= parent < ident:
            raise Damaged("stack %d with parent %d" % (ident, parent))
        if ident in self.stacks:
            self.trace.problem("%s: stack %d defined twice" % (self.at.where(), ident))
        self._know_stack(parent, "stack %d" % ident)
        if self.epoch_is_old:
            self.epochs.append(tuple(self.loaded))
            self.epoch_is_old = False
        self.stacks[ident] = (parent, pc, coded & 1, len(self.epochs) - 1)
        self.defined_at[ident] = self.place
        return "id %d parent %d pc %#x%s" % (ident, parent, pc, " exact" if coded & 1 else "")

    def _module_load(self, r):
        ident, ticks, bias, path, build_id, count = (
            r.number(),
            r.number(),
            r.number(),
            r.text(),
            r.text(),
            r.number(),
        )
        if count > len(r.body):
            raise Damaged("%d segments" % count)
        module = Module(
            ident,
            ticks,
            bias,
            path,
            build_id,
            [(r.number(), r.number(), r.number()) for _ in range(count)],
        )
        if ident in self.modules:
            self.trace.problem("%s: module %d loaded twice" % (self.at.where(), ident))
        self.modules[ident] = module
        self.loaded.append(module)
        self.epoch_is_old = True
        return "id %d ticks %d bias %#x path %s build-id %s segments %s" % (
            ident,
            ticks,
            bias,
            show(path),
            build_id.hex(),
            " ".join("%#x+%#x:%d" % s for s in module.segments),
        )

    def _module_unload(self, r):
        ident, ticks = r.number(), r.number()
        module = self.modules.get(ident)
        if module is None or module not in self.loaded:
            self.trace.problem(
                "%s: unload of module %d, which is not loaded" % (self.at.where(), ident)
            )
        else:
            module.unload_ticks = ticks
            self.loaded.remove(module)
            self.epoch_is_old = True
        return "id %d ticks %d" % (ident, ticks)

    def _thread(self, index, what):
        if index not in self.threads:
            if what != "start":
                self.trace.problem(
                    "%s: %s of thread %d before its start" % (self.at.where(), what, index)
                )
            self.threads[index] = {
                "tid": None,
                "creator": 0,
                "stack": 0,
                "name": b"",
                "start": None,
                "end": None,
            }
        elif what == "start":
            self.trace.problem("%s: thread %d starts twice" % (self.at.where(), index))
        return self.threads[index]

    def _thread_start(self, r):
        index, ticks, tid, creator, stack, name = (
            r.number(),
            r.number(),
            r.number(),
            r.number(),
            r.number(),
            r.text(),
        )
        if index == 0:
            raise Damaged("thread 0 starts")
        self._know_stack(stack, "thread %d" % index)
        self._thread(index, "start").update(
            tid=tid, creator=creator, stack=stack, name=name, start=ticks
        )
        return "index %d ticks %d tid %d creator %d stack %d name %s" % (
            index,
            ticks,
            tid,
            creator,
            stack,
            show(name),
        )

    def _thread_name(self, r):
        index, ticks, name = r.number(), r.number(), r.text()
        self._thread(index, "name")["name"] = name
        return "index %d ticks %d name %s" % (index, ticks, show(name))

    def _thread_end(self, r):
        index, ticks = r.number(), r.number()
        self._thread(index, "end")["end"] = ticks
        return "index %d ticks %d" % (index, ticks)

    def _clock(self, r):
        self.clock.append((r.number(), r.number()))
        return "ticks %d mono_ns %d" % self.clock[-1]

    def _note(self, r):
        self.notes.append((r.number(), r.number(), r.text()))
        ticks, level, said = self.notes[-1]
        return "ticks %d %s %s" % (ticks, LEVELS.get(level, level), show(said))

    def _mark(self, r):
        self.marks.append((r.number(), r.number(), r.text()))
        return "ticks %d thread %d %s" % (*self.marks[-1][:2], show(self.marks[-1][2]))

    def _process(self, r):
        self.processes.append((r.number(), r.number(), r.number(), r.text()))
        ticks, what, pid, path = self.processes[-1]
        return "ticks %d %s pid %d path %s" % (ticks, WHAT.get(what, what), pid, show(path))

    def _recording(self, r):
        self.recordings.append((r.number(), r.number()))
        return "ticks %d %s" % (self.recordings[-1][0], "on" if self.recordings[-1][1] else "off")

    def _step(self, r):
        step = (r.number(), r.number(), r.number(), r.number())
        self.steps.append(step)
        if step[1] not in STEPS:
            self.trace.problem("%s: step %d" % (self.at.where(), step[1]))
        if (step[1] == 3) != bool(step[2]):
            self.trace.problem("%s: step %d, sample of %d" % (self.at.where(), *step[1:3]))
        return "ticks %d %s sample %d at %d bytes" % (
            step[0],
            STEPS.get(step[1], step[1]),
            *step[2:],
        )

    def frames(self, stack):
        """
        module+offset of each frame, innermost first. The offset of a return address is that of pc -
        1.
        """
        out = []
        while stack > 1:
            if stack not in self.stacks:
                return out + ["?"]
            parent, pc, exact, epoch = self.stacks[stack]
            at = pc if exact else (pc - 1) & U64
            for module in reversed(self.epochs[epoch]):
                if module.holds(at):
                    out.append("%s+%#x" % (show(module.path), (at - module.bias) & U64))
                    break
            else:
                out.append("%#x" % at)
            stack = parent
        return out + ["..."] if stack == 1 else out


def show(raw):
    """Text of the trace, safe for one line of output."""
    return raw.decode("utf-8", "backslashreplace").encode("unicode_escape").decode("ascii")
