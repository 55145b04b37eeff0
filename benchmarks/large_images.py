"""An upstream with large images in a process of its own: ``python benchmarks/large_images.py FOLDER``.

It prints its port. A paid call waits until ``/expect/N`` calls have arrived and ``/go`` was requested, so
that all responses leave together. ``/times`` returns, and resets, when each image was requested and when its
last byte was read, on the clock of `time.monotonic`. Files go out by sendfile, which costs next to nothing.
"""

import asyncio
import base64
import contextlib
import io
import json
import os
import random
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import attrs
import httpx
from PIL import Image, ImageFile

MIB = 1024 * 1024
IMAGE_BYTES = 20 * MIB
MAX_SIDE_PIXELS = 6324  # 40 megapixels
LIGHT = "light"
KINDS = (LIGHT, "png", "noise", "jpeg", "large", "progressive")

DOCUMENT = {
    "schema": 1,
    "id": "large",
    "auth": {"type": "none"},
    "models": [{"id": name} for name in (*KINDS, "inline")],
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


def padded_png(size, side=2048):
    """Return an image of 4 megapixels whose file is padded with noise outside of the pixels."""
    out = io.BytesIO()
    Image.linear_gradient("L").resize((side, side)).convert("RGB").save(out, "PNG")
    drawn = out.getvalue()
    end = len(drawn) - 12
    noise = random.Random(1).randbytes(size - len(drawn) - 12)
    chunk = struct.pack(">I", len(noise)) + b"noIs" + noise + struct.pack(">I", zlib.crc32(b"noIs" + noise))
    return drawn[:end] + chunk + drawn[end:]


def light(size):
    """Return a small JPEG with noise after its end, which costs next to nothing to decode."""
    out = io.BytesIO()
    Image.effect_noise((256, 256), 40).save(out, "JPEG")
    return out.getvalue() + random.Random(4).randbytes(size - len(out.getvalue()))


def noisy_png(size):
    """Return an image of noise, every byte of which is a pixel: the slowest PNG to decode."""
    side = int((size / 3) ** 0.5)
    out = io.BytesIO()
    pixels = random.Random(2).randbytes(3 * side * side)
    Image.frombytes("RGB", (side, side), pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()


def jpeg(size, side, **how):
    """Return a grainy JPEG whose file has exactly ``size`` bytes."""
    ImageFile.MAXBLOCK = 64 * MIB  # a progressive image is written in one piece
    grain = Image.effect_noise((side, side), 40)
    image = Image.merge("RGB", (grain, grain.transpose(Image.Transpose.ROTATE_90), grain))
    for quality in range(90, 10, -10):
        out = io.BytesIO()
        image.save(out, "JPEG", quality=quality, **how)
        if out.tell() <= size:
            return out.getvalue() + random.Random(3).randbytes(size - out.tell())
    raise AssertionError("no quality makes it small enough")


def write_files(folder):
    """Write the responses once, so that serving them is only sending."""
    (folder / LIGHT).write_bytes(light(IMAGE_BYTES))
    (folder / "png").write_bytes(padded_png(IMAGE_BYTES))
    (folder / "noise").write_bytes(noisy_png(IMAGE_BYTES))
    (folder / "jpeg").write_bytes(jpeg(IMAGE_BYTES, side=5000))
    (folder / "progressive").write_bytes(
        jpeg(IMAGE_BYTES, side=MAX_SIDE_PIXELS, progressive=True, subsampling=0)
    )
    (folder / "large").write_bytes(padded_png(IMAGE_BYTES, side=MAX_SIDE_PIXELS))
    image = base64.b64encode(padded_png(IMAGE_BYTES)).decode()
    (folder / "inline").write_text(json.dumps({"inline": [{"data": image}]}))


@attrs.define
class LargeImages:
    """The server side of the upstream."""

    folder: Path
    url: str = ""
    expected: int = 0
    waiting: int = 0
    times: list = attrs.field(factory=list)
    changed: asyncio.Condition = attrs.field(factory=asyncio.Condition)

    async def serve(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
                body = await reader.readexactly(int(length[0].split(":")[1]) if length else 0)
                await self._answer(head.split(" ")[1], body, writer)
        writer.close()

    async def _answer(self, path, body, writer):
        requested_at = time.monotonic()
        if path.startswith("/files/"):
            size = await self._send_file(path.split("/")[2].split(".")[0], writer)
            self.times.append((requested_at, time.monotonic(), size))
        elif path == "/make":
            model = json.loads(body)["model"]
            await self._hold()
            if model == "inline":
                await self._send_file(model, writer)
            else:
                _send_json(writer, {"links": [{"url": f"{self.url}/files/{model}.png"}]})
        elif path.startswith("/expect/"):
            self.expected, self.waiting = int(path.split("/")[2]), 0
            _send_json(writer, {})
        elif path == "/go":
            async with self.changed:
                await self.changed.wait_for(lambda: self.waiting >= self.expected)
                self.expected = 0
                self.changed.notify_all()
            _send_json(writer, {})
        else:
            times, self.times = self.times, []
            _send_json(writer, times)
        await writer.drain()

    async def _hold(self):
        async with self.changed:
            self.waiting += 1
            self.changed.notify_all()
            await self.changed.wait_for(lambda: not self.expected)

    async def _send_file(self, name, writer):
        kind = "application/json" if name == "inline" else "image/png"
        with (self.folder / name).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode()
            )
            await writer.drain()
            await asyncio.get_running_loop().sendfile(writer.transport, file)
        return size


def _send_json(writer, value):
    body = json.dumps(value).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


@attrs.define
class UpstreamProcess:
    """The upstream as its users see it."""

    folder: Path
    url: str = ""
    process: subprocess.Popen = None

    def start(self):
        command = [sys.executable, __file__, self.folder]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def ask(self, path):
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=300).json()

    def end(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


async def main(folder):
    upstream = LargeImages(folder)
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    upstream.url = f"http://127.0.0.1:{port}"
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
