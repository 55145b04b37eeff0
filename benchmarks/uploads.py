"""What it brings to read from few connections at once: ``python benchmarks/uploads.py``.

Hundreds of callers upload bodies of 200 kB to a server, four each. Meanwhile ``/health`` is asked over one
connection. Servers with `Throttle` and without it take turns, since only the ratio of such runs means
something on a machine that does other things.
"""

import argparse
import asyncio
import http.client
import os
import select
import socket
import subprocess
import sys
import tempfile
import time

SERVE = """
import sys
from imagegen_http.__main__ import main
from imagegen_http.server.connections import Throttle

if sys.argv.pop(1) == "without":
    Throttle.wait = lambda self, go_on: go_on()
main()
"""
HEAD = "POST /api/v1/tasks/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = b'{"unknown": "' + b"a" * 200_000 + b'"}'
UPLOADS = 4


async def upload(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(UPLOADS):
        writer.write(f"{HEAD}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        await reader.readexactly(int(lines[b"content-length"]))
    writer.close()


async def upload_all(port, callers):
    await asyncio.gather(*[upload(port) for _ in range(callers)])


def ask_for_health(port):
    """Ask until standard input ends; print the median and the longest time, in milliseconds."""
    connection, times = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], 0.005)[0]:
        began = time.monotonic()
        connection.request("GET", "/health")
        connection.getresponse().read()
        times.append((time.monotonic() - began) * 1000)
    print(f"{sorted(times)[len(times) // 2]:.0f} ms, at most {max(times):.0f}")


def measure(variant, callers):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "IMAGEGEN_DATA_DIR": folder}
        command = [sys.executable, "-c", SERVE, variant, "serve", "--port", str(port)]
        with subprocess.Popen(command, env=environ, cwd=folder, stderr=subprocess.DEVNULL) as server:
            while socket.socket().connect_ex(("127.0.0.1", port)):
                time.sleep(0.1)
            command = [sys.executable, __file__, "--health", str(port)]
            with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as asking:
                asking.stdout.readline()
                began = time.monotonic()
                asyncio.run(upload_all(port, callers))
                seconds = time.monotonic() - began
                health = asking.communicate()[0].strip()
            server.terminate()
    print(f"| {variant} | {seconds:.1f} s | {health} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--health", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.health:
        ask_for_health(options.health)
        return
    for _ in range(options.rounds):
        for variant in ("with", "without"):
            measure(variant, options.callers)


if __name__ == "__main__":
    main()
