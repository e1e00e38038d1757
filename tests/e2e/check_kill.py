#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""
check_kill.py - kill programs/kill_me at random moments; every event committed before the kill is in the report.

usage: check_kill.py TIMES [SEED]

An $EMULATOR runs the program; how long it takes to start it proves nothing, so the moments count from there.
$KILL_KEEP names a directory to which the files of the first failing run are copied.

For thread n the program has stored, in a file mapped shared, how many blocks it had allocated when it was last seen. The
report must have, at worker_n, that many allocations or one more, of exactly the bytes that these blocks
have, and must miss no free that came before the last allocation.
"""
import glob
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time

from truthlib import Failures, count_and_bytes, report, rows_with

SHARED_ENTRIES = 64
THREADS = (1, 1, 2, 3, 8, 16)
EMULATOR = os.environ.get("EMULATOR")
SLOWER = 5 if EMULATOR else 1
FREED_FROM = 20001


def bytes_of(count):
    whole, rest = divmod(count, 1000)
    return whole * 500500 + rest * (rest + 1) // 2


def freed_of(count):
    """How many of the first COUNT blocks are freed."""
    if count <= FREED_FROM:
        return count // 16
    return FREED_FROM // 16 + count - FREED_FROM


def committed_in(shared):
    try:
        with open(shared, "rb") as f:
            data = f.read(SHARED_ENTRIES * 16)
    except FileNotFoundError:
        data = b""
    # Bytes and count may be one block apart at the kill: the count is stored last and is what holds.
    return [count for count, _ in struct.iter_unpack("<QQ", data)]


def run_and_kill(directory, threads, delay, forked):
    """Returns the pid of the killed process, if it came to its work, and the numbers of blocks committed."""
    shared = os.path.join(directory, "committed")
    environment = dict(os.environ, SHIM_OUTPUT=os.path.join(directory, "%p.zst"))
    program = [os.path.join(os.environ["PROGRAMS"], "kill_me")]
    if EMULATOR:
        program = [EMULATOR, "-E", "LD_PRELOAD=" + os.environ["SHIM_LIB"]] + program
    else:
        environment["LD_PRELOAD"] = os.environ["SHIM_LIB"]
    child = subprocess.Popen(program + [shared, str(threads)] + ["fork"] * forked, env=environment)
    while EMULATOR and not os.path.exists(shared) and child.poll() is None:
        time.sleep(0.001)
    time.sleep(delay)
    while forked and not any(committed_in(shared)[SHARED_ENTRIES - 1:]):
        time.sleep(0.001)
    if forked:
        os.kill(committed_in(shared)[-1], 9)
    else:
        child.kill()
    if child.wait() != (0 if forked else -9):
        raise SystemExit(f"kill_me ended in another way: {child.returncode}")
    committed = committed_in(shared)
    return (committed[-1], committed[:-1]) if committed else (0, [])


def check(fail, directory, pid, committed):
    traces = glob.glob(os.path.join(directory, f"{pid}.zst"))
    if not any(committed):
        return 0  # killed before its first block: there may be no trace yet
    if not traces:
        fail(f"no trace, but {sum(committed)} blocks were committed")
        return 0
    allocs, leaks = report("allocs", *traces), report("leaks", *traces)["leaks"]
    quality = allocs["trace"]["quality"]
    if allocs["trace"]["complete"]:
        fail("the report of a killed process claims to be complete")
    if quality["lost"]:
        fail(f"{quality['lost']} events lost")
    for n, count in enumerate(committed[:16]):
        got, size = count_and_bytes(rows_with(allocs["sites"], f"worker_{n}"))
        if not count <= got <= count + 1:
            fail(f"worker_{n}: {got} allocations in the report, {count} were committed")
        elif size != bytes_of(got):
            fail(f"worker_{n}: {size} bytes in the report, its {got} blocks have {bytes_of(got)}")
        freed = got - count_and_bytes(rows_with(leaks, f"worker_{n}"))[0]
        if not freed_of(max(count - 1, 0)) <= freed <= freed_of(got):
            fail(f"worker_{n}: {freed} frees in the report of {got} blocks, at least {freed_of(max(count - 1, 0))} were made")
    return sum(committed)


def main():
    times = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 32)
    source = random.Random(seed)
    fail, total, with_events = Failures(f"seed {seed}"), 0, 0
    for number in range(times):
        threads = source.choice(THREADS)
        # Some at once, most within the first buffers, a few later.
        delay = source.choice((0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1)) * (0.5 + source.random()) * SLOWER
        with tempfile.TemporaryDirectory() as directory:
            forked = source.random() < 0.2
            fail.what = f"seed {seed}, kill {number}, {threads} threads, after {delay * 1000:.1f} ms, forked {forked}"
            pid, committed = run_and_kill(directory, threads, delay, forked)
            events = check(fail, directory, pid, committed)
            if fail.count and os.environ.get("KILL_KEEP") and not os.path.exists(os.environ["KILL_KEEP"]):
                shutil.copytree(directory, os.environ["KILL_KEEP"])
        total += events
        with_events += events > 0
    print(f"{times} kills, {with_events} of them with events, {total} blocks committed, {fail.count} failures")
    if with_events < times // 2:
        fail("too few runs came far enough to prove anything")
    fail.exit()


if __name__ == "__main__":
    main()
