# SPDX-License-Identifier: MIT
"""reading.py - what shim-analyze needs for a trace: time, memory, size of what it writes."""
import json
import os
import re
import shutil
import subprocess
import time

import runs

# Commands of the tool whose page or picture is timed, if this version has them: name, arguments, name of the output.
VIEWS = (("flamegraph", ("flamegraph",), "flame.html"), ("report", ("report",), "report.html"))


def commands(bench):
    text = subprocess.run([bench.analyze, "--help"], capture_output=True, text=True, check=False).stdout
    section = text.split("Commands:", 1)[-1].split("\n\n", 1)[0]
    return set(re.findall(r"^  ([a-z]+) ", section, re.MULTILINE))


def timed(bench, arguments):
    """One run of the tool: CPU and wall seconds, peak memory in bytes, exit status, standard output."""
    note = os.path.join(bench.folder, "analyze.rss")
    command = ["/usr/bin/time", "-q", "-f", "%M", "-o", note, bench.analyze] + arguments
    begin = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    rss = runs.kilobytes(note) * 1024
    return {"cpu": usage.ru_utime + usage.ru_stime, "wall": time.perf_counter() - begin, "rss": rss,
            "status": os.waitstatus_to_exitcode(status)}, out


def summary(bench, traces):
    """Events and allocations of TRACES, and what a full summary of them took."""
    cost, out = timed(bench, ["summary", "--format", "json"] + traces)
    report = json.loads(out)
    calls = report["heap"].get("totals", report["heap"]).get("allocations", 0)
    return {"events": report["trace"]["quality"]["events"], "allocations": calls, "lost": report["trace"]["quality"]["lost"],
            "summary": cost}


def view(bench, arguments, name, traces):
    """One page of TRACES: what it took and how large it is."""
    path = os.path.join(bench.folder, name)
    cost, _ = timed(bench, list(arguments) + ["-o", path] + traces)
    cost["bytes"] = os.path.getsize(path) if os.path.exists(path) else 0
    return cost, path


def views(bench, traces):
    known = commands(bench)
    result = {}
    for name, arguments, file_name in VIEWS:
        if arguments[0] in known:
            result[name], path = view(bench, arguments, file_name, traces)
            if os.path.exists(path):
                os.unlink(path)
    return result


def opening(path):
    """Seconds until a browser has loaded PATH, beyond what an empty page takes; None without a browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not browser:
        return None
    empty = path + ".empty.html"
    with open(empty, "w", encoding="ascii") as f:
        f.write("<!doctype html><title>empty</title>")
    least = {}
    for _ in range(3):
        for page in (empty, path):
            begin = time.perf_counter()
            subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "file://" + page],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, timeout=120)
            least[page] = min(least.get(page, 1e9), time.perf_counter() - begin)
    os.unlink(empty)
    return max(0.0, least[path] - least[empty])


def large(bench, events):
    """A trace of EVENTS events, all of them whatever its size, and what it takes to read it: {events, bytes, summary, flamegraph, report}."""
    base = os.path.join(bench.folder, "large")
    env = {"PATH": os.environ["PATH"], "LD_PRELOAD": bench.lib, "SHIM_OUTPUT": base + ".zst", "SHIM_MAX_TRACE": "0"}
    subprocess.run([os.path.join(bench.programs, "bench_calls"), "1", str(events), "rate"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    result = summary(bench, [base + ".zst"])
    result["bytes"] = os.path.getsize(base + ".zst")
    known = commands(bench)
    for name, arguments, file_name in VIEWS:
        if arguments[0] in known:
            result[name], path = view(bench, arguments, "large." + file_name, [base + ".zst"])
            if os.path.exists(path):
                result[name]["opens"] = opening(path)
                os.unlink(path)
    os.unlink(base + ".zst")
    return result
