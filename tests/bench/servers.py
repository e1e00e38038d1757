# SPDX-License-Identifier: MIT
"""servers.py - rows that are servers: started on a socket of their own, loaded from outside, shut down in order.

Only the server's process is measured; what loads it is never preloaded.
"""
import os
import random
import signal
import socket
import subprocess
import time

REDIS_LOAD = ["-q", "-n", "120000", "-c", "20", "-P", "8", "-r", "20000", "-t", "set,get,lpush,hset,zadd"]
MEMCACHED_BATCHES, MEMCACHED_BATCH = 800, 400


def connected(path):
    """A connection to the server at PATH, which may need a moment to come up."""
    for _ in range(400):
        try:
            client = socket.socket(socket.AF_UNIX)
            client.connect(path)
            return client
        except OSError:
            client.close()
            time.sleep(0.025)
    raise ConnectionError("no server at " + path)


def fresh(folder, name):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        os.unlink(path)
    return path


def start(argv, prefix, env, errors):
    """In a process group of its own, so that all of it can be ended."""
    with open(errors, "wb") as err:
        return subprocess.Popen(prefix + argv, env=env, stdout=subprocess.DEVNULL, stderr=err, start_new_session=True)


def redis_argv(path, folder):
    return ["redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--appendonly", "no", "--dir", folder]


def redis_load(path):
    connected(path).close()
    subprocess.run(["redis-benchmark", "-s", path] + REDIS_LOAD, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["redis-cli", "-s", path, "shutdown", "nosave"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   check=False)


def memcached_argv(path, _folder):
    return ["memcached", "-u", "root", "-s", path, "-A", "-m", "64", "-t", "2"]


def memcached_batch(rng, fill):
    """Requests of one batch, a no-op at its end; FILL: only sets, so that later gets hit."""
    out = []
    for _ in range(MEMCACHED_BATCH):
        key = "key%d" % rng.randrange(20000)
        if fill or rng.random() < 0.3:
            value = "v" * rng.randrange(10, 400)
            out.append("set %s 0 0 %d\r\n%s\r\n" % (key, len(value), value))
        elif rng.random() < 0.05:
            out.append("delete %s\r\n" % key)
        else:
            out.append("get %s\r\n" % key)
    return "".join(out + ["mn\r\n"]).encode()


def memcached_load(path):
    rng = random.Random(4)
    batches = [memcached_batch(rng, i < 50) for i in range(100)]
    with connected(path) as client:
        for i in range(MEMCACHED_BATCHES):
            client.sendall(batches[i % len(batches)])
            answer = b""
            while not answer.endswith(b"MN\r\n"):
                received = client.recv(1 << 16)
                if not received:
                    raise ConnectionError("memcached has closed the connection")
                answer = answer[-4:] + received
        client.sendall(b"shutdown\r\n")


KINDS = {"redis": (redis_argv, redis_load), "memcached": (memcached_argv, memcached_load)}


def serve(kind, prefix, env, folder, errors):
    """The process of a server of KIND that has done its work and was asked to end."""
    argv, load = KINDS[kind]
    path = fresh(folder, kind + ".sock")
    server = start(argv(path, folder), prefix, env, errors)
    try:
        load(path)
    except (OSError, subprocess.CalledProcessError) as error:
        with open(errors, "a", encoding="utf-8") as err:
            err.write("\n%s\n" % error)
        os.killpg(server.pid, signal.SIGKILL)
    return server
