"""A provider in its own process that records every charge durably before it responds.

``python -m tests.chaos.upstream LEDGER`` prints its port. It speaks the declarative document `DOCUMENT`: the
model ``direct`` responds with the image, the model ``job`` with a job to poll. ``POST /control``
changes its `Mood` at any time; ``stalled`` are the jobs that are not done until they are no more.
"""

import asyncio
import base64
import json
import os
import random
import struct
import sys
import time
import zlib
from pathlib import Path

import attrs

TOKEN = "x-client-token"

DOCUMENT = {
    "schema": 1,
    "id": "chaos",
    "auth": {"type": "none"},
    "n_strategy": "fan_out",
    "operations": {
        "direct": {
            "implements": "generate",
            "request": {
                "path": "/direct",
                "headers": {"X-Client-Token": "${request_uuid}"},
                "body": {"type": "json", "template": {"prompt": "${prompt}"}},
            },
            "response": {"images": [{"select": "images[]", "base64": "b64"}]},
        },
        "change": {
            "implements": "edit",
            "request": {
                "path": "/direct",
                "headers": {"X-Client-Token": "${request_uuid}"},
                "body": {"type": "json", "template": {"prompt": "${prompt}", "image": "${image.data_uri}"}},
            },
            "response": {"images": [{"select": "images[]", "base64": "b64"}]},
        },
        "job": {
            "implements": "generate",
            "request": {
                "path": "/jobs",
                "headers": {"X-Client-Token": "${request_uuid}"},
                "body": {"type": "json", "template": {"prompt": "${prompt}"}},
            },
            "task": {"id": "id"},
            "poll": {
                "request": {"method": "GET", "path": "/jobs/${task.id}"},
                "first_after_s": 0.05,
                "interval_s": 0.1,
                "backoff": 1.0,
                "interval_max_s": 0.2,
                "deadline_s": 120,
                "status": {
                    "source": "status",
                    "pending": ["running"],
                    "succeeded": ["done"],
                    "cancelled": ["cancelled"],
                },
            },
            "cancel": {"method": "POST", "path": "/jobs/${task.id}/cancel"},
            "response": {"images": [{"select": "images[]", "url": "url"}]},
        },
    },
    "models": [
        {
            "id": "direct",
            "default": True,
            "capabilities": ["generate", "edit"],
            "operation": {"generate": "direct", "edit": "change"},
        },
        {"id": "job", "operation": {"generate": "job"}},
    ],
}


@attrs.define(kw_only=True)
class Mood:
    """How the provider behaves from now on.

    Args:
        seconds: how long a call or a job takes.
        hold: no call and no job completes until this is False again.
        limited: how many of the next paid requests get a 429 and are not charged.
        fault: what happens to a paid request after its charge: None, ``reset``, ``cut`` or ``500``.
        faulty: the share of requests that fail by chance: half of them are not charged.
        expired: jobs are unknown.
        broken: images are truncated.
        lasting: jobs accepted by an earlier process of the provider are done.
        image_bytes: the approximate size of an image.
    """

    seconds: float = 0.0
    hold: bool = False
    limited: int = 0
    fault: str | None = None
    faulty: float = 0.0
    expired: bool = False
    broken: bool = False
    lasting: bool = False
    image_bytes: int = 2_000


@attrs.frozen(kw_only=True)
class Charge:
    """One paid request; ``at`` is on the clock of `time.monotonic`, which all processes share."""

    token: str
    model: str
    at: float


def read_ledger(path):
    """Return all charges, in order."""
    with Path(path).open(encoding="utf-8") as file:
        return [Charge(**json.loads(line)) for line in file]


class Ledger:
    """Appends each charge and syncs it, before the response is sent."""

    def __init__(self, path):
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def charge(self, token, model):
        line = json.dumps({"token": token, "model": model, "at": time.monotonic()})
        os.write(self._fd, f"{line}\n".encode())
        os.fsync(self._fd)


class Upstream:
    def __init__(self, ledger):
        self.ledger = ledger
        self.mood = Mood()
        self.jobs = {}  # id → the time at which it is done, or None if it was cancelled
        self.stalled = set()  # the ids of jobs that are not done as long as they are here
        self.first_polls = {}  # id → the time of the first poll since `forget_polls`
        self.running = 0

    async def answer(self, method, path, headers, body):
        """Return status, headers and body, or None to reset the connection."""
        if path == "/control":
            changes = json.loads(body or b"{}")
            if changes.pop("forget_polls", False):
                self.first_polls = {}
            self.stalled = set(changes.pop("stalled", self.stalled))
            self.mood = attrs.evolve(self.mood, **changes)
            return _json({"running": self.running, "first_polls": self.first_polls})
        if path == "/direct":
            return await self._paid(headers, "direct", self._direct)
        if path == "/jobs":
            return await self._paid(headers, "job", self._job)
        if path.startswith("/jobs/"):
            return self._follow(*path.split("/")[2:])
        if path.startswith("/files/"):
            return 200, {"Content-Type": "image/png"}, self._image(path)
        return _json({"error": f"no such path: {method} {path}"}, 404)

    async def _paid(self, headers, model, serve):
        if self.mood.limited > 0:
            self.mood.limited -= 1
            return _json({"error": "slow down"}, 429, **{"Retry-After": "1"})
        chance = random.random() / self.mood.faulty if self.mood.faulty else 1.0
        if chance < 0.5:
            return _json({"error": "no"}, 429 if chance < 0.25 else 400, **{"Retry-After": "1"})
        token = headers[TOKEN]
        self.ledger.charge(token, model)
        self.running += 1
        try:
            reply = await serve(token)
        finally:
            self.running -= 1
        if self.mood.fault == "reset" or chance < 0.75:
            return None
        if self.mood.fault == "500" or chance < 1.0:
            return _json({"error": "internal"}, 500)
        return reply

    async def _direct(self, token):
        await asyncio.sleep(self.mood.seconds)
        while self.mood.hold:  # noqa: ASYNC110 - the mood is a plain value, and 20 ms are precise enough
            await asyncio.sleep(0.02)
        data = base64.b64encode(self._image(token)).decode()
        return _json({"images": [{"b64": data}]})

    def _image(self, name):
        drawn = image(name, self.mood.image_bytes)
        return drawn[: len(drawn) // 2] if self.mood.broken else drawn

    async def _job(self, token):
        job_id = f"job-{token}-{len(self.jobs)}"
        self.jobs[job_id] = time.monotonic() + self.mood.seconds
        return _json({"id": job_id, "status": "running"})

    def _follow(self, job_id, act=None):
        if self.mood.lasting:
            self.jobs.setdefault(job_id, 0.0)
        if self.mood.expired or job_id not in self.jobs:
            return _json({"error": "no such job"}, 404)
        if act == "cancel":
            self.jobs[job_id] = None
            return _json({"status": "cancelled"})
        self.first_polls.setdefault(job_id, time.monotonic())
        done = self.jobs[job_id]
        if done is None:
            return _json({"status": "cancelled"})
        if self.mood.hold or job_id in self.stalled or time.monotonic() < done:
            return _json({"status": "running"})
        return _json({"status": "done", "images": [{"url": f"/files/{job_id}.png"}]})

    async def serve(self, reader, writer):
        try:
            while await self._serve_one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass  # clients are killed on purpose
        finally:
            writer.close()

    async def _serve_one(self, reader, writer):
        line = await reader.readline()
        if not line:
            return False
        method, target, _ = line.decode().split(" ", 2)
        headers = {}
        while (line := (await reader.readline()).decode().strip()) != "":
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        reply = await self.answer(method, target, headers, body)
        if reply is None:
            writer.transport.abort()
            return False
        status, more, content = reply
        head = {"Content-Length": str(len(content)), **more}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode())
        cut = self.mood.fault == "cut" and target in ("/direct", "/jobs")
        writer.write(content[: len(content) // 2] if cut else content)
        await writer.drain()
        return not cut


def image(name, size):
    """Return a valid PNG of about ``size`` bytes that is unique to the name."""
    side, rnd = 16, random.Random(name)
    pixels = b"".join(b"\0" + rnd.randbytes(3 * side) for _ in range(side))
    ballast = (rnd.randbytes(1000) * (size // 1000))[: max(0, size - 900)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (
            _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
            _chunk(b"chAo", ballast),
            _chunk(b"IDAT", zlib.compress(pixels)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _json(value, status=200, **headers):
    return status, {"Content-Type": "application/json", **headers}, json.dumps(value).encode()


async def main(path):
    upstream = Upstream(Ledger(path))
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
