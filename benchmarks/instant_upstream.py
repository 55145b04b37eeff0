"""An upstream that answers at once, in a process of its own: ``python benchmarks/instant_upstream.py``.

It prints its port. The model says how an image comes (``inline`` in base64, or ``linked`` by URL) and which
one: ``small`` of 10 kB or a ``photograph`` of 1 MB; ``/v1/images/generations`` answers as OpenAI does. After
``POST /hold`` no call is answered before ``POST /release``, and after ``POST /delay/2.5`` each takes so many
seconds; those that were held end one after the other within that time, as calls do that were begun apart.
It counts what it is asked for.
"""

import asyncio
import base64
import collections
import functools
import io
import json
import random
import subprocess
import sys

import attrs
import httpx
from PIL import Image

SMALL, PHOTOGRAPH = "small", "photograph"
SIZES = {SMALL: (10_000, (160, 120)), PHOTOGRAPH: (1_000_000, (1920, 1440))}
"""Bytes, and pixels."""

DOCUMENT = {
    "schema": 1,
    "id": "instant",
    "auth": {"type": "none"},
    "models": [{"id": f"{way}-{kind}"} for way in ("inline", "linked") for kind in SIZES],
    "operations": {
        "generate": {
            "request": {
                "path": "/make",
                "body": {"type": "json", "template": {"model": "${model}", "prompt": "${prompt}"}},
            },
            "response": {
                "images": [{"select": "links[]", "url": "url"}, {"select": "inline[]", "base64": "data"}]
            },
        }
    },
}


@functools.cache
def photograph(kind):
    """Return a JPEG of large soft shapes and fine grain, the best one below its size."""
    max_bytes, size = SIZES[kind]
    noise = random.Random(kind)
    shapes = [Image.frombytes("L", (16, 12), noise.randbytes(192)) for _ in range(3)]
    grain = Image.effect_noise(size, 24)
    bands = [Image.blend(shape.resize(size, Image.Resampling.BICUBIC), grain, 0.25) for shape in shapes]
    image = Image.merge("RGB", bands)
    for quality in range(95, 5, -5):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality)
        if out.tell() <= max_bytes:
            return out.getvalue()
    raise AssertionError("no quality makes it small enough")


@attrs.define
class State:
    """The calls that run, those of them that were held, how long each takes, and all calls by prompt."""

    running: int = 0
    held_calls: int = 0
    delay: float = 0.0
    calls: collections.Counter = attrs.field(factory=collections.Counter)
    released: asyncio.Event = attrs.field(factory=asyncio.Event)

    def __attrs_post_init__(self):
        self.released.set()


class Connection(asyncio.Protocol):
    """One connection, with as little work as possible for each request."""

    def __init__(self, state, port):
        self._state, self._port = state, port
        self._received = b""
        self._calls = set()

    def connection_made(self, transport):
        self._transport = transport

    def data_received(self, data):
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].decode("latin-1")
            _, _, length = head.lower().partition("\r\ncontent-length:")
            size = end + 4 + int(length.partition("\r\n")[0] or 0)
            if len(self._received) < size:
                return
            body, self._received = self._received[end + 4 : size], self._received[size:]
            self._serve(head.split(" ", 2)[1], body)

    def _serve(self, path, body):
        state = self._state
        if path == "/make":
            call = json.loads(body)
            state.calls[call.get("prompt")] += 1
            self._make(_answer(call["model"], self._port))
        elif path == "/v1/images/generations":
            self._make(_openai_answer(json.loads(body)["model"]))
        elif path.startswith("/files/"):
            self._respond(b"image/jpeg", photograph(path.removeprefix("/files/").removesuffix(".jpg")))
        else:
            if path == "/hold":
                state.held_calls = 0
                state.released.clear()
            elif path == "/release":
                state.released.set()
            elif path.startswith("/delay/"):
                state.delay = float(path.removeprefix("/delay/"))
            calls = {"calls": state.calls.total(), "prompts": len(state.calls)}
            self._respond(b"application/json", json.dumps({"running": state.running, **calls}).encode())

    def _make(self, content):
        if self._state.released.is_set() and not self._state.delay:
            self._respond(b"application/json", content)
            return
        call = asyncio.create_task(self._hold(content))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _hold(self, content):
        state = self._state
        state.running += 1
        try:
            share = 1.0
            if not state.released.is_set():
                state.held_calls += 1
                number = state.held_calls
                await state.released.wait()
                share = number / state.held_calls
            await asyncio.sleep(state.delay * share)
        finally:
            state.running -= 1
        self._respond(b"application/json", content)

    def _respond(self, media_type, content):
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % (media_type, len(content)) + content)


@functools.cache
def _answer(model, port):
    way, _, kind = model.partition("-")
    if way == "linked":
        return json.dumps({"links": [{"url": f"http://127.0.0.1:{port}/files/{kind}.jpg"}]}).encode()
    return json.dumps({"inline": [{"data": base64.b64encode(photograph(kind)).decode()}]}).encode()


@functools.cache
def _openai_answer(model):
    content = base64.b64encode(photograph(model.partition("-")[2])).decode()
    return json.dumps({"created": 0, "data": [{"b64_json": content}]}).encode()


@attrs.define
class InstantUpstream:
    """The upstream as a benchmark uses it."""

    url: str = ""
    process: subprocess.Popen = None

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def hold(self):
        self._post("/hold")

    def release(self):
        self._post("/release")

    def delay(self, seconds):
        self._post(f"/delay/{seconds}")

    def running(self):
        """Return how many calls are held."""
        return self._post("/state")["running"]

    def charged(self):
        """Return how many calls there were, and for how many prompts."""
        state = self._post("/state")
        return state["calls"], state["prompts"]

    def _post(self, path):
        return httpx.post(f"{self.url}{path}", trust_env=False, timeout=60).json()


async def main():
    state, port = State(), 0
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(state, port), "127.0.0.1", 0, backlog=2048)
    port = server.sockets[0].getsockname()[1]
    print(port, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
