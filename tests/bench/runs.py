# SPDX-License-Identifier: MIT
"""runs.py - one run of one program under one tool: CPU, peak memory, what it wrote."""
import glob
import os
import subprocess
import tempfile

import servers

HEAPTRACK_PRELOAD = "/usr/lib/heaptrack/libheaptrack_preload.so"

# heaptrack 1.4 can ask for all the memory there is (its second process, KDE bug 477018); a program of the table never does.
HEAPTRACK_BYTES = 6 << 30

# Libraries that stop partway (preload/upto.h), each one part longer than the one before it.
PARTS = ("hook", "capture", "rows", "columns")
TOOLS = ("native", "shim", "sampled") + PARTS + ("record", "heaptrack")


def heaptrack_command(base):
    return ["prlimit", "--data=%d" % HEAPTRACK_BYTES, "heaptrack", "-o", base]


class Bench:
    """What all runs share: where the products are and where traces go."""

    def __init__(self, build, folder):
        self.folder = folder
        self.build = os.path.abspath(build)
        self.lib = os.path.join(self.build, "libshim.so")
        self.analyze = os.path.join(self.build, "shim-analyze")
        self.programs = os.path.join(self.build, "tests/programs")

    def lib_upto(self, part):
        return os.path.join(self.build, "upto/%d/libshim.so" % PARTS.index(part))

    def environment(self, tool, base):
        """Settings that put TOOL under a program; traces become BASE.*"""
        if tool in ("shim", "sampled") + PARTS:
            lib = self.lib_upto(tool) if tool in PARTS else self.lib
            settings = ["LD_PRELOAD=" + lib, "SHIM_OUTPUT=" + base + ".%p.zst"]
            return settings + (["SHIM_SAMPLE=512k"] if tool == "sampled" else [])
        if tool == "record":
            return ["LD_PRELOAD=" + HEAPTRACK_PRELOAD, "DUMP_HEAPTRACK_OUTPUT=" + base + ".raw"]
        return ["BENCH_TOOL=" + tool] # as many variables, and a program that sets them, as above

    def prefix(self, tool, base):
        command = ["env"] + self.environment(tool, base)
        return command + (heaptrack_command(base) if tool == "heaptrack" else [])

    def knows(self, setting):
        """Whether the library takes SETTING (NAME=VALUE) without a word in its log."""
        with tempfile.NamedTemporaryFile(dir=self.folder) as log:
            env = {"PATH": os.environ["PATH"], "LD_PRELOAD": self.lib, "SHIM_LOG": log.name,
                   "SHIM_OUTPUT": os.path.join(self.folder, "knows.%p.zst")}
            env.update([setting.split("=", 1)])
            subprocess.run(["/bin/true"], env=env, check=False)
            said = log.read().decode(errors="replace")
        remove(os.path.join(self.folder, "knows."))
        return setting.split("=", 1)[0] not in said

    def can_run(self, tool):
        if tool == "sampled":
            return self.knows("SHIM_SAMPLE=512k")
        if tool in PARTS:
            return os.path.exists(self.lib_upto(tool))
        return tool != "record" or os.path.exists(HEAPTRACK_PRELOAD)


def kilobytes(path):
    """What time(1) wrote to PATH, which goes; 0 if it was killed before."""
    if not os.path.exists(path):
        return 0
    with open(path, encoding="ascii") as f:
        words = f.read().split()
    os.unlink(path)
    return int(words[-1]) if words else 0


def run(bench, workload, tool, index):
    """One run as a dictionary: CPU seconds, peak memory in bytes, exit status, bytes written; traces stay at BASE*."""
    base = os.path.join(bench.folder, "%s-%s-%d" % (workload.name, tool, index))
    env = {k: v for k, v in os.environ.items() if not k.startswith("SHIM_") and k != "LD_PRELOAD"}
    env.update(workload.env)
    # By a small process of its own: the peak memory of a child begins with that of whoever forked it.
    prefix = ["/usr/bin/time", "-q", "-f", "%M", "-o", base + ".rss"] + bench.prefix(tool, base)
    if workload.server:
        process = servers.serve(workload.server, prefix, env, bench.folder, base + ".err")
    else:
        process = servers.start(workload.argv, prefix, env, base + ".err")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    with open(base + ".err", encoding="utf-8", errors="replace") as f:
        said = f.read().strip().splitlines()[-1:]
    os.unlink(base + ".err")
    rss = kilobytes(base + ".rss") * 1024
    result = {"cpu": usage.ru_utime + usage.ru_stime, "rss": rss, "status": os.waitstatus_to_exitcode(status),
              "bytes": sum(os.path.getsize(f) for f in glob.glob(base + "*"))}
    if status and said:
        result["said"] = said[0]
    return result, base


def remove(base):
    for f in glob.glob(glob.escape(base) + "*"):
        os.unlink(f)
