"""What difficult callers cost: ``python benchmarks/callers.py``.

A real server meets, one kind after the other, hundreds of callers that hold bodies open, bodies crafted to
exhaust a parser, uploads and retries of large images, a WebUI whose progress never ends, and clients that do
not read. It prints the peak memory (as `memory.py` measures it) and the slowest responses of ``/health``
meanwhile, over a persistent connection and over new ones, which queue behind those of the callers. It fails
above 500 MB, or 100 ms on the persistent connection. The callers use the same cores as the server, so times
are meaningful only if nothing else runs on the machine.
"""

import argparse
import base64
import contextlib
import http.client
import json
import select
import selectors
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1]))

import attrs
from large_images import DOCUMENT, UpstreamProcess, padded_png, write_files
from memory import watched

from tests.chaos.service import Service, wait_until

MIB = 1024 * 1024
CALLERS = 500
MAX_MB, MAX_MS = 500, 100
SETTLE_SECONDS = 6
"""Time for the service to free what one kind of callers used."""

GENERATE, EDIT = "/api/v1/tasks/generate", "/api/v1/images/edit"
REFERENCES, EDITS = "/api/v1/images/generate-with-references", "/v1/images/edits"
JSON = "application/json"


class EndlessWebUI(BaseHTTPRequestHandler):
    """A WebUI whose images are never done, and whose progress responses never end."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b"[" * 65536)

    def do_POST(self):
        time.sleep(5)

    def log_message(self, *_):
        pass


def ask_for_health(url):
    """Poll until standard input ends; print the number of polls, and the slowest responses in milliseconds.

    Polls alternate between a persistent connection and new ones, as supervisors use them.
    """
    address = urlsplit(url)

    def connection():
        return http.client.HTTPConnection(address.hostname, address.port, timeout=60)

    def ask(line):
        began = time.monotonic()
        line.request("GET", "/health")
        answer = line.getresponse()
        assert answer.status == 200, answer.read()
        answer.read()
        return (time.monotonic() - began) * 1000

    over_persistent, over_new = [], []
    with contextlib.closing(connection()) as persistent:
        ask(persistent)
        print("ready", flush=True)
        while not select.select([sys.stdin], [], [], 0.01)[0]:
            over_persistent.append(ask(persistent))
            with contextlib.closing(connection()) as new:
                over_new.append(ask(new))
    print(len(over_persistent), max(over_persistent), max(over_new))


@attrs.define
class Bench:
    """A server, its upstreams, and what every kind of callers cost."""

    service: Service
    upstream: UpstreamProcess
    image_id: int = 0
    rows: list = attrs.field(factory=list)

    def run(self, name, shape):
        """Run callers of one kind, and measure what they cost."""
        command = [sys.executable, __file__, "--health", self.service.url]
        with (
            watched(self.service.pid) as samples,
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking,
        ):
            asking.stdout.readline()
            summary = shape(self)
            number, persistent, new = map(float, asking.communicate()[0].split())
        row = (name, max(s.total for s in samples), persistent, new)
        self.rows.append(row)
        figures = " | ".join(f"{figure:.0f}" for figure in row[1:])
        print(f"| {name} | {figures} |   {number:.0f} answers of each; {summary}", flush=True)
        time.sleep(SETTLE_SECONDS)

    @contextlib.contextmanager
    def connections(self, head, body):
        """Open a connection for each caller, and send the same on all of them."""
        address = urlsplit(self.service.url)
        head = f"{head} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: {JSON}\r\n"
        with contextlib.ExitStack() as stack:
            opened = []
            for _ in range(CALLERS):
                caller = socket.socket()
                caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                caller.connect((address.hostname, address.port))
                opened.append(stack.enter_context(caller))
                with contextlib.suppress(ConnectionError):
                    caller.sendall(head.encode() + body)
            yield opened

    def post(self, path, content, content_type=JSON):
        with self.service.client() as client:
            return client.post(path, content=content, headers={"Content-Type": content_type})


def statuses(callers, seconds):
    """Return how often each status was received within ``seconds``."""
    counts, deadline = {}, time.monotonic() + seconds
    with selectors.DefaultSelector() as ready:
        for caller in callers:
            ready.register(caller, selectors.EVENT_READ)
        while ready.get_map() and (remaining := deadline - time.monotonic()) > 0:
            for key, _ in ready.select(remaining):
                ready.unregister(key.fileobj)
                with contextlib.suppress(ConnectionError):
                    status = key.fileobj.recv(12)[9:].decode() or "closed"
                    counts[status] = counts.get(status, 0) + 1
    return counts


def held_open(bench):
    with bench.connections(
        f"POST {GENERATE}", b"Content-Length: %d\r\n\r\n" % MIB + b" " * (MIB - 1)
    ) as callers:
        return statuses(callers, 3)


def complete(bench):
    body = json.dumps({"params": {"prompt": "a", "more": "x" * (MIB - 60)}}).encode()
    head = b"Content-Length: %d\r\n\r\n" % len(body)
    with bench.connections(f"POST {GENERATE}", head + body) as callers:
        return statuses(callers, 20)


def flat(bench):
    values = b",".join(b'"p%d":1' % number for number in range(5_000_000))
    body = b'{"prompt":"a","image":"image:1","params":{' + values + b"}}"
    return [bench.post(path, body).status_code for path in (EDIT, EDITS)]


def deep(bench):
    body = b'{"prompt":"a","image":' + b"[" * (60 * MIB)
    return [bench.post(path, body).status_code for path in (EDIT, EDITS)]


def many_parts(bench):
    part = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n'
    body = part * (60 * MIB // len(part)) + b"--x--\r\n"
    return bench.post(EDITS, body, "multipart/form-data; boundary=x").status_code


def uploads(bench):
    """Upload eight bodies of 60 MB at once, of which two fit."""
    text = "data:image/png;base64," + base64.b64encode(padded_png(44 * MIB)).decode()
    body = json.dumps({"provider": "webui", "prompt": "a", "image": text}).encode()
    codes = []

    def caller():
        codes.append(bench.post(EDIT, body).status_code)

    threads = [threading.Thread(target=caller) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(codes)


def accepted(answer):
    assert answer.status_code == 202, answer.text
    return answer.json()["data"]["task_id"]


def retry(bench):
    """Copy fourteen stored images of 20 MB."""
    text = {"provider": "references", "prompt": "a", "reference_images": [f"image:{bench.image_id}"] * 14}
    with bench.service.client() as client:
        task = accepted(client.post(REFERENCES, json=text))
        bench.service.ended(task)
        return client.post(f"/api/v1/tasks/{task}/retry").status_code


def endless(bench):
    with bench.service.client() as client:
        body = {"provider": "webui", "params": {"prompt": "a"}}
        task = client.post(GENERATE, json=body).raise_for_status().json()["data"]["task_id"]
        client.post("/api/v1/providers/config/webui/test")
    return bench.service.ended(task)["status"]


def slow_readers(bench):
    with bench.connections(f"GET /api/v1/images/{bench.image_id}/content", b"\r\n") as callers:
        counts = statuses(callers, 10)
        time.sleep(3)
        return counts


SHAPES = {
    "500 × 1 MiB, held open before its last byte": held_open,
    "500 × 1 MiB, complete": complete,
    "60 MB of 5 million parameters, twice": flat,
    "60 MB of open brackets, twice": deep,
    "60 MB of 1.2 million parts": many_parts,
    "8 × 60 MB with an image, at once": uploads,
    "a retry of 14 × 20 MB": retry,
    "a WebUI whose progress never ends": endless,
    "500 readers of 20 MB who do not read": slow_readers,
}


def settings(upstream, webui):
    provider = {"kind": "http", "api_base": upstream.url, "timeout_seconds": 600}
    nowhere = {
        "kind": "gemini",
        "api_base": "http://127.0.0.1:9",
        "api_key": "a-key-of-nobody",
        "max_retries": 0,
    }
    return {
        "providers": {
            "large": {**provider, "extra_config": {"spec": DOCUMENT}},
            "webui": {"kind": "stable_diffusion", "api_base": f"http://{webui}", "max_retries": 0},
            "references": {**nowhere, "extra_config": {"max_inline_mb": 500}},
        },
        "security": {
            "allow_private_upstreams": [upstream.url.removeprefix("http://"), webui, "127.0.0.1:9"],
        },
    }


def make_image(bench):
    """Generate an image of 20 MB, and return its id."""
    bench.upstream.ask("/expect/0")
    body = {"provider": "large", "model_id": "light", "params": {"prompt": "a large image"}}
    with bench.service.client() as client:
        client.post(GENERATE, json=body).raise_for_status()
    rows = wait_until(lambda: bench.service.rows("SELECT id FROM images"), awaited="the image")
    return rows[0][0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="WORD", help="shapes with this word in their names")
    parser.add_argument("--work-dir", type=Path, help="on the disk that is to be used")
    parser.add_argument("--health", metavar="URL", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.health:
        ask_for_health(options.health)
        return
    webui = ThreadingHTTPServer(("127.0.0.1", 0), EndlessWebUI)
    threading.Thread(target=webui.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory(prefix="imagegen-callers-", dir=options.work_dir) as name:
        folder = Path(name)
        files = folder / "upstream"
        files.mkdir()
        write_files(files)
        upstream = UpstreamProcess(files).start()
        config = settings(upstream, f"127.0.0.1:{webui.server_port}")
        service = Service(folder, folder / "data", upstream, settings=config)
        try:
            bench = Bench(service.start(), upstream)
            bench.image_id = make_image(bench)
            for title, shape in SHAPES.items():
                if (options.only or "") in title:
                    bench.run(title, shape)
        finally:
            service.kill()
            upstream.end()
    assert not [row for row in bench.rows if row[1] >= MAX_MB or row[2] >= MAX_MS], bench.rows


if __name__ == "__main__":
    main()
