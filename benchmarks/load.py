"""Callers in a closed loop, in a process of their own, so that they do not distort the loop of a service.

Each has one connection and sends its next request when the last response is complete. They use bare sockets,
which take some 20 µs of processor time a request. ``########`` in a request becomes a number that no other
request of these callers has.
"""

import collections.abc
import contextlib
import itertools
import json
import re
import select
import socket
import statistics
import subprocess
import sys
import time

import attrs

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_NUMBER = b"########"
_READ_BYTES = 256 * 1024
_MAX_CALLERS_OF_AN_ADDRESS = 250
"""A service limits the connections of one address; of loopback addresses there are plenty."""


def get(path, **headers):
    """Return the bytes of a request."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()


def post(path, body, **headers):
    """Return the bytes of a request with a JSON body."""
    content = json.dumps(body).encode()
    headers = {"Content_Type": "application/json", "Content_Length": len(content), **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode() + content


@attrs.frozen(kw_only=True)
class Result:
    """What a run of callers got: requests, seconds of all together, milliseconds of one."""

    number: int
    seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def rate(self):
        return self.number / self.seconds


@attrs.frozen
class Callers:
    """The process of the callers, which are connected."""

    process: subprocess.Popen

    @classmethod
    @contextlib.contextmanager
    def connected(cls, url, requests, *, callers, warm=True):
        """Start callers, who send each request in turn; ``warm`` ones have sent one each when this yields."""
        with subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                host, port = url.removeprefix("http://").split(":")
                plan = {"address": [host, int(port)], "callers": callers, "warm": warm}
                plan["requests"] = [request.decode("latin-1") for request in requests]
                some = cls(process)
                some._tell(plan)
                some._line()
                yield some
            finally:
                process.kill()

    def run(self, *, seconds=None, number=None):
        """Let them go on for so many seconds, or until they have sent so many requests; return the result."""
        self.begin(seconds=seconds, number=number)
        return self.result()

    def begin(self, *, seconds=None, number=None):
        self._tell({"seconds": seconds, "number": number})

    def result(self):
        return Result(**self._line())

    def _tell(self, value):
        self.process.stdin.write(f"{json.dumps(value)}\n")
        self.process.stdin.flush()

    def _line(self):
        line = self.process.stdout.readline()
        assert line, "the callers got something else than they came for; see above"
        return json.loads(line)


@attrs.define
class Connection:
    """One caller."""

    sock: socket.socket
    requests: collections.abc.Iterator
    numbers: itertools.count
    received: bytes = b""
    length: int = 0
    started: float = 0.0

    def send(self):
        self.received, self.length = b"", 0
        request = next(self.requests)
        if _NUMBER in request:
            request = request.replace(_NUMBER, b"%08d" % next(self.numbers))
        self.started = time.perf_counter()
        self.sock.sendall(request)

    def receive(self):
        """Read what there is; return whether the response is complete."""
        data = self.sock.recv(_READ_BYTES)
        if not data:
            raise SystemExit(f"closed after {self.received[:300]!r}")
        self.received = self.received + data if self.received else data
        if not self.length:
            self.length = _response_bytes(self.received)
        return len(self.received) >= self.length > 0


def _response_bytes(received):
    """Return the length of a response whose head is complete, otherwise 0."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    length = _LENGTH.search(received, 0, end + 2)
    if not received.startswith(b"HTTP/1.1 2") or length is None:
        raise SystemExit(f"an unexpected response: {received[: end + 500].decode('utf-8', 'replace')}")
    return end + 4 + int(length[1])


def _connections(plan):
    requests = [request.encode("latin-1") for request in plan["requests"]]
    numbers = itertools.count(time.time_ns() // 1_000_000 % 10_000 * 10_000)
    for at in range(plan["callers"]):
        source = f"127.0.0.{1 + at // _MAX_CALLERS_OF_AN_ADDRESS}"
        sock = socket.create_connection(plan["address"], source_address=(source, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        first = at * len(requests) // plan["callers"]
        in_turn = (requests[at % len(requests)] for at in itertools.count(first))
        yield Connection(sock, in_turn, numbers)


def _run(connections, poll, *, seconds=None, number=None):
    """Return the seconds of each request."""
    times, sending = [], 0
    deadline = time.perf_counter() + (seconds or float("inf"))
    limit = number or float("inf")
    for connection in itertools.islice(connections.values(), number):
        connection.send()
        sending += 1
    begun = sending
    while sending:
        for fd, _ in poll.poll():
            connection = connections[fd]
            if not connection.receive():
                continue
            now = time.perf_counter()
            times.append(now - connection.started)
            if now < deadline and begun < limit:
                begun += 1
                connection.send()
            else:
                sending -= 1
    return times


def _summary(times, seconds):
    cuts = statistics.quantiles(times, n=100) if len(times) > 1 else times * 99
    return {
        "number": len(times),
        "seconds": seconds,
        "p50_ms": statistics.median(times) * 1000,
        "p99_ms": min(cuts[98], max(times)) * 1000,
    }


def main():
    plan = json.loads(sys.stdin.readline())
    connections = {connection.sock.fileno(): connection for connection in _connections(plan)}
    with select.epoll() as poll:
        for fd in connections:
            poll.register(fd, select.EPOLLIN)
        if plan["warm"]:
            _run(connections, poll, number=len(connections))
        print('"ready"', flush=True)
        for line in sys.stdin:
            started = time.perf_counter()
            times = _run(connections, poll, **json.loads(line))
            print(json.dumps(_summary(times, time.perf_counter() - started)), flush=True)


if __name__ == "__main__":
    main()
