#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""bench.py - the table of `make bench`: native, libshim and heaptrack, interleaved, as ratios.

Every round runs each program once under each tool, one after the other; the table takes the least user+system CPU over
the rounds (of the process and all its children, waited for). It prints and never judges: a benchmark is not a test.

Tools: native; shim (libshim.so preloaded, all defaults); record (heaptrack's preload library alone, raw data to a file);
heaptrack (its normal command with compression and interpretation in a second process).
"""
import argparse
import glob
import math
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import workloads  # noqa: E402

HEAPTRACK_PRELOAD = "/usr/lib/heaptrack/libheaptrack_preload.so"
TOOLS = ("native", "shim", "record", "heaptrack")
REDIS_LOAD = ["-q", "-n", "60000", "-c", "20", "-P", "8", "-r", "20000", "-t", "set,get,lpush,hset,zadd"]


class Run:
    """CPU seconds, peak RSS in bytes and exit status of one command with its children."""

    def __init__(self, cpu, rss, status):
        self.cpu, self.rss, self.status = cpu, rss, status


def wait(process, base):
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    with open(base + ".rss", encoding="ascii") as f:
        rss = int(f.read().split()[-1]) * 1024
    os.unlink(base + ".rss")
    return Run(usage.ru_utime + usage.ru_stime, rss, os.waitstatus_to_exitcode(status))


def run_redis(prefix, env, folder, base):
    """A server on a socket of its own, loaded by redis-benchmark, shut down in order."""
    path = os.path.join(folder, "redis.sock")
    if os.path.exists(path):
        os.unlink(path)
    server = subprocess.Popen(prefix + ["redis-server", "--port", "0", "--unixsocket", path, "--save", "",
                                        "--appendonly", "no", "--dir", folder],
                              env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(path)
            break
        except OSError:
            time.sleep(0.05)
    subprocess.run(["redis-benchmark", "-s", path] + REDIS_LOAD, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["redis-cli", "-s", path, "shutdown", "nosave"], stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)
    return wait(server, base)


def run(workload, tool, lib, folder, index):
    """One run; the traces it writes go to FOLDER/INDEX.*."""
    env = dict(os.environ, **workload.env)
    env.pop("LD_PRELOAD", None)
    base = os.path.join(folder, "%s-%s-%d" % (workload.name, tool, index))
    # By a small process of its own: the peak memory of a child begins with that of whoever forked it.
    prefix = ["/usr/bin/time", "-q", "-f", "%M", "-o", base + ".rss"]
    if tool == "shim":
        prefix += ["env", "LD_PRELOAD=" + lib, "SHIM_OUTPUT=" + base + ".%p.zst"]
    elif tool == "record":
        prefix += ["env", "LD_PRELOAD=" + HEAPTRACK_PRELOAD, "DUMP_HEAPTRACK_OUTPUT=" + base + ".raw"]
    elif tool == "heaptrack":
        prefix += ["heaptrack", "-o", base]
    if workload.server == "redis":
        return run_redis(prefix, env, folder, base), base
    process = subprocess.Popen(prefix + workload.argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return wait(process, base), base


def size_of(base):
    return sum(os.path.getsize(f) for f in glob.glob(base + "*"))


def remove(base):
    for f in glob.glob(base + "*"):
        os.unlink(f)


class Row:
    def __init__(self, workload):
        self.workload = workload
        self.cpu = {t: [] for t in TOOLS}
        self.rss = {t: [] for t in TOOLS}
        self.size = {}
        self.events = 0
        self.analysis = 0.0
        self.failed = set()

    def least(self, tool):
        return min(self.cpu[tool]) if self.cpu[tool] else float("nan")

    def ratio(self, tool):
        return self.least(tool) / self.least("native") if tool not in self.failed else float("nan")

    def extra_rss(self, tool):
        return (min(self.rss[tool]) - min(self.rss["native"])) / 1e6 if tool not in self.failed else float("nan")


def events_of(analyze, traces):
    """Events of TRACES and the CPU seconds of a full summary over them."""
    import json
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([analyze, "summary", "--format", "json"] + traces, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return json.loads(out.stdout)["trace"]["quality"]["events"], cpu


def measure(row, rounds, lib, analyze, folder, tools):
    for index in range(rounds):
        for tool in tools:
            result, base = run(row.workload, tool, lib, folder, index)
            row.cpu[tool].append(result.cpu)
            row.rss[tool].append(result.rss)
            if result.status != 0:
                row.failed.add(tool)
            row.size[tool] = size_of(base)
            if tool == "shim" and index == rounds - 1:
                row.events, row.analysis = events_of(analyze, sorted(glob.glob(base + "*.zst")))
            remove(base)


def geomean(values):
    values = [v for v in values if v == v and v > 0]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


HEAD = ("program", "M events", "M ev/s", "native s", "shim", "record", "heaptrack", "added/rec", "RSS+ MB", "rec RSS+",
        "MB/Mev", "rec MB/Mev", "ht MB/Mev", "analysis s/Mev")


def cells(row):
    millions = row.events / 1e6 or float("nan")
    native = row.least("native")
    added = row.least("shim") - native
    added_record = row.least("record") - native if row.cpu["record"] else float("nan")
    per = lambda tool: row.size.get(tool, float("nan")) / 1e6 / millions
    return (row.workload.name, "%.2f" % millions, "%.2f" % (millions / native), "%.2f" % native,
            "%.2f" % row.ratio("shim"), "%.2f" % row.ratio("record"), "%.2f" % row.ratio("heaptrack"),
            "%.2f" % (added / added_record), "%.1f" % row.extra_rss("shim"), "%.1f" % row.extra_rss("record"),
            "%.2f" % per("shim"), "%.2f" % per("record"), "%.2f" % per("heaptrack"),
            "%.4f" % (row.analysis / millions))


def print_table(rows):
    table = [HEAD] + [cells(r) for r in rows]
    real = [r for r in rows if not r.workload.name.startswith("bench_")]
    # Of a few hundred events the header is most of the trace: sizes per event are compared from here on.
    large = [r for r in real if r.events >= 100000]
    table.append(("geomean, real", "", "", "", "%.2f" % geomean([r.ratio("shim") for r in real]),
                  "%.2f" % geomean([r.ratio("record") for r in real]),
                  "%.2f" % geomean([r.ratio("heaptrack") for r in real]), "", "", "",
                  "%.2f" % geomean([r.size["shim"] / r.events for r in large]),
                  "%.2f" % geomean([r.size["record"] / r.events for r in large if "record" in r.size]),
                  "%.2f" % geomean([r.size["heaptrack"] / r.events for r in large if "heaptrack" in r.size]),
                  "%.4f" % geomean([r.analysis / (r.events / 1e6) for r in real if r.events > 1e6])))
    widths = [max(len(line[i]) for line in table) for i in range(len(HEAD))]
    for line in table:
        print("  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(line, widths))))


def startup(lib, folder, rounds=6, runs=60):
    """Least mean wall time of /bin/true in microseconds, native and preloaded, interleaved."""
    best = {}
    for _ in range(rounds):
        for tool in ("native", "shim"):
            env = {"PATH": os.environ["PATH"]}
            if tool == "shim":
                env.update(LD_PRELOAD=lib, SHIM_OUTPUT=os.path.join(folder, "true.%p.zst"))
            begin = time.perf_counter()
            for _ in range(runs):
                os.waitpid(os.posix_spawn("/bin/true", ["true"], env), 0)
            best[tool] = min(best.get(tool, 1e9), (time.perf_counter() - begin) / runs * 1e6)
    remove(os.path.join(folder, "true."))
    return best


def machine():
    def first(path, key):
        with open(path, encoding="utf-8") as f:
            return next((line.split(":", 1)[1].strip() for line in f if line.startswith(key)), "?")
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return "%s, %d cores, kernel %s, load %.2f, commit %s" % (
        first("/proc/cpuinfo", "model name"), os.cpu_count(), os.uname().release, os.getloadavg()[0], commit or "?")


def main():
    parser = argparse.ArgumentParser(description="the table of make bench")
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="comma-separated names of programs")
    parser.add_argument("--tools", default=",".join(TOOLS))
    options = parser.parse_args()
    lib = os.path.abspath(os.path.join(options.build, "libshim.so"))
    analyze = os.path.abspath(os.path.join(options.build, "shim-analyze"))
    programs = os.path.abspath(os.path.join(options.build, "tests/programs"))
    tools = options.tools.split(",")
    folder = tempfile.mkdtemp(prefix="shim-bench-")
    try:
        print(machine())
        rows = []
        for workload in workloads.make(folder, programs):
            if options.only and workload.name not in options.only.split(","):
                continue
            row = Row(workload)
            measure(row, options.rounds, lib, analyze, folder, tools)
            rows.append(row)
            print("  measured %s%s" % (workload.name, ", failed under " + ",".join(row.failed) if row.failed else ""),
                  file=sys.stderr)
        print("CPU (user+system) as a multiple of native, least of %d interleaved rounds; added/rec: CPU that the shim adds "
              "over what heaptrack's recording adds" % options.rounds)
        print_table(rows)
        start = startup(lib, folder)
        print("start-up of /bin/true: native %.0f us, shim %.0f us, added %.0f us" %
              (start["native"], start["shim"], start["shim"] - start["native"]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
