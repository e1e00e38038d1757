# SPDX-License-Identifier: MIT
"""micro.py - small measurements: a pair of malloc and free, single calls, threads, start-up. All interleaved."""
import os
import subprocess
import time

from runs import PARTS, heaptrack_command, remove

DEPTHS = (10, 20, 40)
THREADS = (1, 2, 4, 16)
PAUSE_THREADS = (1, 4, 16)


def preloaded(bench, tool, name):
    """An environment of nothing but TOOL, and where its traces go."""
    base = os.path.join(bench.folder, "%s-%s" % (name, tool))
    env = {"PATH": os.environ["PATH"]}
    env.update(setting.split("=", 1) for setting in bench.environment(tool, base))
    return env, base


def output_of(bench, tool, argv):
    """What ARGV printed under TOOL, nothing if that failed."""
    env, base = preloaded(bench, tool, "micro")
    command = (heaptrack_command(base) if tool == "heaptrack" else []) + argv
    run = subprocess.run(command, env=env, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    remove(base)
    return run.stdout if run.returncode == 0 else ""


def numbers(text):
    """The lines "NAME NUMBER" of TEXT."""
    pairs = (line.split() for line in text.splitlines())
    return {p[0]: int(p[1]) for p in pairs if len(p) == 2 and p[1].isdigit()}


def tools_that_run(bench, tools):
    return [tool for tool in tools if tool == "native" or bench.can_run(tool)]


def pairs(bench, rounds, count):
    """Least ns of a malloc and its free: {tool: {depth: ns}}."""
    program = os.path.join(bench.programs, "bench_pairs")
    result = {}
    for _ in range(rounds):
        for depth in DEPTHS:
            for tool in tools_that_run(bench, ("native", "shim", "sampled") + PARTS + ("record",)):
                ns = float(output_of(bench, tool, [program, str(depth), str(count)]))
                of_tool = result.setdefault(tool, {})
                of_tool[str(depth)] = min(ns, of_tool.get(str(depth), 1e9))
    return result


def pauses(bench, rounds, calls):
    """Percentiles of the time of single calls in ns: {mode: {threads: {tool: {name: ns}}}}, each the least of the rounds."""
    program = os.path.join(bench.programs, "bench_calls")
    result = {}
    for _ in range(rounds):
        for mode in ("wall", "cpu"):
            for threads in PAUSE_THREADS:
                for tool in tools_that_run(bench, ("native", "shim", "record")):
                    got = numbers(output_of(bench, tool, [program, str(threads), str(calls), mode]))
                    seen = result.setdefault(mode, {}).setdefault(str(threads), {}).setdefault(tool, {})
                    for name, ns in got.items():
                        seen[name] = min(ns, seen.get(name, ns))
    return result


def scaling(bench, rounds, calls):
    """Most million calls a second, all threads together: {threads: {tool: rate}}."""
    program = os.path.join(bench.programs, "bench_calls")
    result = {}
    for _ in range(rounds):
        for threads in THREADS:
            for tool in tools_that_run(bench, ("native", "shim", "sampled", "record", "heaptrack")):
                lines = output_of(bench, tool, [program, str(threads), str(calls), "rate"]).split()
                # heaptrack's command prints words of its own around it
                rates = [float(word) for word in lines if word.replace(".", "", 1).isdigit()]
                seen = result.setdefault(str(threads), {})
                seen[tool] = max(rates + [seen.get(tool, 0)])
    return result


def startup(bench, rounds, runs):
    """Least wall time of /bin/true in microseconds: {tool: us}."""
    result = {}
    for _ in range(rounds):
        for tool in tools_that_run(bench, ("native", "shim", "record", "heaptrack")):
            env, base = preloaded(bench, tool, "true")
            argv = heaptrack_command(base) + ["/bin/true"] if tool == "heaptrack" else ["/bin/true"]
            count = 2 if tool == "heaptrack" else runs
            quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (1, 2)]
            for _ in range(count):
                begin = time.perf_counter()
                os.waitpid(os.posix_spawnp(argv[0], argv, env, file_actions=quiet), 0)
                result[tool] = min(result.get(tool, 1e9), (time.perf_counter() - begin) * 1e6)
            remove(base)
    return result
