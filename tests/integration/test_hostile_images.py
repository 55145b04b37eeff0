"""What a provider may send instead of an image: refused by the running service; nothing stays behind."""

import asyncio
import gzip
import io
import json
import random
import struct
import zlib
from collections import Counter
from contextlib import closing, contextmanager

import attrs
import pytest
from PIL import Image

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.images import png
from tests.fakes.in_thread import in_thread
from tests.fakes.raw_server import RawServer, http_response
from tests.integration.api.asking import GENERATE, data, ended
from tests.integration.api.live_server import LiveServer

MIB = 1024 * 1024
# The servers close: said, else the next request may go to a connection that is about to end.
PNG = {"Content_Type": "image/png", "Connection": "close"}
SCRIPT = b"<script>alert(document.domain)</script>"
IMPATIENT, PATIENT = "impatient", "patient"

DOCUMENT = {
    "schema": 1,
    "id": "hostile",
    "auth": {"type": "none"},
    "download": {"timeout_s": 2},
    "operations": {
        "generate": {
            "request": {"method": "GET", "path": "/make/${model}"},
            "response": {"images": [{"select": "links[]", "url": "@"}]},
        }
    },
}


def noisy():
    """Return a sound PNG of 190 KB."""
    out = io.BytesIO()
    Image.frombytes("RGB", (256, 250), random.Random(1).randbytes(3 * 256 * 250)).save(out, "PNG")
    return out.getvalue()


def bomb(side=30_000):
    """Return a PNG of a few bytes that says it has 900 megapixels."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(side * (side // 8 + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def handler(body=b"", *, head=None, more=None, closing=True):
    """Return a handler that sends the bytes, then ``more``, again and again."""

    async def reply(writer):
        writer.write((head or http_response(length=len(body), **PNG)) + body)
        while more is not None:
            await writer.drain()
            writer.write(more)
        await writer.drain()
        if closing:
            writer.close()

    return reply


SOUND, WHOLE = png(1), noisy()
HARMLESS = {"good": SOUND, "polyglot": SOUND + SCRIPT}
UNTOLD = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nConnection: close\r\n\r\n"
GZIP = {**PNG, "Content_Encoding": "gzip"}


def bodies():
    """Return what is sent, and whom by: only the patient one waits for large bodies."""
    bomb_of_zeros = gzip.compress(SOUND[:64] + bytes(400 * MIB), 9)
    return {
        "cut": (handler(WHOLE[:90_000], head=http_response(length=len(WHOLE), **PNG)), PATIENT),
        "cut, length untold": (handler(WHOLE[:90_000], head=UNTOLD), PATIENT),
        "length too short": (handler(WHOLE, head=http_response(length=90_000, **PNG)), PATIENT),
        "length too long": (
            handler(WHOLE, head=http_response(length=len(WHOLE) + 99, **PNG), closing=False),
            IMPATIENT,
        ),
        "length absurd": (handler(WHOLE, head=http_response(length=10**12, **PNG)), PATIENT),
        "endless": (handler(WHOLE, head=UNTOLD, more=bytes(MIB)), PATIENT),
        "60 MB": (handler(WHOLE + bytes(60 * MIB)), PATIENT),
        "60 MB, length untold": (handler(WHOLE + bytes(60 * MIB), head=UNTOLD), PATIENT),
        "gzip bomb": (handler(bomb_of_zeros, head=http_response(length=len(bomb_of_zeros), **GZIP)), PATIENT),
        "page": (handler(b"<html><body>Please sign in</body></html>"), PATIENT),
        "nothing": (handler(b""), PATIENT),
        "pixel bomb": (handler(bomb()), PATIENT),
    }


LINKED = {
    "cut": "download_failed",
    "cut, length untold": "invalid_image",
    "length too short": "invalid_image",
    "length too long": "download_failed",
    "length absurd": "invalid_image",
    "endless": "invalid_image",
    "60 MB": "invalid_image",
    "60 MB, length untold": "invalid_image",
    "gzip bomb": "download_failed",
    "page": "invalid_image",
    "nothing": "invalid_image",
    "pixel bomb": "invalid_image",
    "drip": "download_failed",
    "private": "download_failed",
    "metadata": "download_failed",
    "neighbour": "download_failed",
    "loop": "download_failed",
}
DIRECT = {
    "cut": "outcome_unknown",
    "cut, length untold": "invalid_image",
    "length too short": "invalid_image",
    "length too long": "timeout",
    "length absurd": "outcome_unknown",
    "endless": "bad_response",
    "60 MB": "invalid_image",
    "60 MB, length untold": "invalid_image",
    "gzip bomb": "bad_response",
    "page": "invalid_image",
    "nothing": "bad_response",
    "pixel bomb": "invalid_image",
}
EXPECTED = {
    **{f"linked/{name}": code for name, code in LINKED.items()},
    **{f"direct/{name}": code for name, code in DIRECT.items()},
}


def slug(name):
    """Return a name as it may stand in an address: of a file, or of a model."""
    return name.replace(" ", "-").replace(",", "").replace("/", "-")


@attrs.define
class Bench:
    """The service after it was sent everything; its provider, a neighbour, and the tasks by name."""

    server: LiveServer
    upstream: RawServer
    neighbour: RawServer
    providers: dict = attrs.field(factory=dict)
    tasks: dict = attrs.field(factory=dict)

    def serve(self):
        """Give the provider its responses."""
        for name, (reply, provider) in {**bodies(), **self._led_astray()}.items():
            linked, direct = f"linked/{name}", f"direct/{name}"
            self._link(linked, f"/files/{slug(name)}")
            self.upstream.responses |= {f"/files/{slug(name)}": reply, f"/make/{slug(direct)}": reply}
            self.providers |= {linked: provider, direct: provider}
        for name, body in HARMLESS.items():
            self._link(name, f"/files/{name}")
            self.upstream.responses[f"/files/{name}"] = http_response(body=body, Content_Type="text/html")
            self.providers[name] = PATIENT

    def _led_astray(self):
        def to(location):
            return http_response("302 Found", Location=location), PATIENT

        return {
            "drip": (self._drip, IMPATIENT),
            "loop": to("/files/loop"),
            "private": to(f"http://10.0.0.1:{self.upstream.port}/x.png"),
            "metadata": to("http://169.254.169.254/latest/meta-data"),
            "neighbour": to(f"{self.neighbour.url}/x.png"),
        }

    async def _drip(self, writer):
        writer.write(UNTOLD + SOUND[:32])
        while True:
            await writer.drain()
            await asyncio.sleep(0.05)  # this is what a drip is
            writer.write(b"\0")

    def _link(self, name, path):
        body = json.dumps({"links": [path]}).encode()
        self.upstream.responses[f"/make/{slug(name)}"] = http_response(
            body=body, Content_Type="application/json"
        )

    def run(self, api, names):
        bodies = {
            n: {"provider": self.providers[n], "model_id": slug(n), "params": {"prompt": n}} for n in names
        }
        ids = {name: data(api.post(GENERATE, json=body))["task_id"] for name, body in bodies.items()}
        self.tasks |= {name: ended(api, task_id) for name, task_id in ids.items()}

    def rows(self, sql):
        with closing(sqlite3.connect(self.server.data_dir / "imagegen.db")) as database:
            return database.execute(sql).fetchall()

    def files(self, folder):
        root = self.server.data_dir / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


@contextmanager
def started(folder):
    with in_thread(RawServer()) as upstream, in_thread(RawServer()) as neighbour:
        provider = {
            "kind": "http",
            "api_base": upstream.url,
            "models": [{"id": slug(name)} for name in (*EXPECTED, *HARMLESS)],
            "extra_config": {"spec": DOCUMENT},
        }
        config = {
            "security": {"allow_private_upstreams": [upstream.authority, neighbour.authority]},
            "providers": {
                IMPATIENT: {**provider, "timeout_seconds": 6},
                PATIENT: {**provider, "timeout_seconds": 50},
            },
        }
        server = LiveServer(folder, config).start()
        try:
            yield Bench(server, upstream, neighbour)
        finally:
            server.end()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with started(tmp_path_factory.mktemp("hostile")) as bench, bench.server.client() as api:
        bench.serve()
        bench.run(api, EXPECTED)
        bench.run(api, HARMLESS)
        yield bench


@pytest.fixture
def api(bench):
    with bench.server.client() as client:
        yield client


def test_each_is_refused_by_its_name(bench):
    """A broken transfer is no image; a transfer that is whole is judged by its bytes, never by its type."""
    codes = {name: bench.tasks[name]["error"]["code"] for name in EXPECTED}

    assert EXPECTED == codes


def test_each_may_have_been_charged(bench):
    """And the failure says so, to whoever thinks of sending it again."""
    silent = [name for name in EXPECTED if not bench.tasks[name]["error"]["possible_charge"]]

    assert [] == silent


def test_each_is_paid_once(bench):
    """Downloads are tried again, the paid request is not."""
    paid = Counter(path for head in bench.upstream.heads if "/make/" in (path := head.split(" ")[1]))

    assert dict.fromkeys((f"/make/{slug(name)}" for name in bench.tasks), 1) == paid


def test_what_redirects_lead_to_is_not_called(bench):
    """Another listed provider is none of this one's business."""
    assert 0 == bench.neighbour.opened


def test_a_loop_of_redirects_ends(bench):
    """After three, in each of three tries."""
    followed = [head for head in bench.upstream.heads if head.startswith("GET /files/loop ")]

    assert 3 * 4 == len(followed)


def test_nothing_is_left_behind(bench):
    """Each file belongs to an image, or is kept since it was paid for; no other answer is there."""
    images, thumbnails = zip(*bench.rows("SELECT blob_key, thumbnail_key FROM images"), strict=True)
    files = set(bench.files("images"))

    assert set(images) == files - set(thumbnails)
    assert [] == [name for name in bench.files("spool") if ".kept/" not in name]


def test_the_next_image_is_fine(bench, api):
    """The same connections, children and threads serve it."""
    task = bench.tasks["good"]

    assert ("completed", None) == (task["status"], task["error"])
    assert api.get(task["image_url"]).content == SOUND


def test_an_image_that_is_also_a_page_is_only_an_image(bench, api):
    """Its bytes are kept as they came, and no browser runs what is behind the image."""
    content = api.get(bench.tasks["polyglot"]["image_url"])

    assert SOUND + SCRIPT == content.content
    assert ("image/png", "nosniff") == (
        content.headers["content-type"],
        content.headers["x-content-type-options"],
    )
    assert "sandbox" in content.headers["content-security-policy"]


def test_no_message_shows_an_address_of_ours(bench):
    """What a person reads names the host, not a path, a file or a stack."""
    messages = " ".join(bench.tasks[name]["error"]["message"] for name in EXPECTED)

    assert [] == [word for word in ("/files/", "Traceback", str(bench.server.folder)) if word in messages]


def test_the_log_shows_no_defect(bench):
    """All of this is an everyday thing."""
    assert "Traceback" not in bench.server.log
