"""A loopback HTTP server for fakes: a function from request to response, and scripted transport faults."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import attrs

from tests.fakes.samples import sample

FLOOD_BYTES = 64 * 1024 * 1024


@attrs.frozen(kw_only=True)
class Request:
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes


@attrs.frozen(kw_only=True)
class Answer:
    """``fault`` is None, ``drop`` (nothing is sent), ``cut`` (half of the body) or ``stall`` (head only).

    ``flood``: far more bytes than a client should read; `Loopback.floods` then has the outcome.
    """

    status: int = 200
    body: bytes = b""
    headers: dict = attrs.field(factory=dict)
    fault: str | None = None

    @classmethod
    def sample(cls, provider, name, /, *, status=None, headers=None, **values):
        """Return a sample of a provider's answers, with another status or further headers."""
        answer = sample(provider, name, **values)
        return cls.json(answer.body, status or answer.status, **answer.headers, **(headers or {}))

    @classmethod
    def json(cls, value, status=200, **headers):
        head = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        return cls(status=status, body=json.dumps(value).encode(), headers=head)


class Loopback:
    """Serves ``answer`` on a free port of 127.0.0.1 while open; ``requests`` are all received ones."""

    def __init__(self, answer):
        self.closing = threading.Event()
        self.requests = []
        self.floods = queue.Queue()
        self._answer = answer
        self._server = None

    @property
    def host(self):
        return f"127.0.0.1:{self._server.server_port}"

    @property
    def url(self):
        return f"http://{self.host}"

    def __enter__(self):
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.loopback = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply(self, request):
        self.requests.append(request)
        return self._answer(request)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Clients that disconnect are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def log_message(self, *_):
        pass

    def _serve(self):
        loopback = self.server.loopback
        split = urlsplit(self.path)
        length = self.headers.get("Content-Length", "0" if self.command == "GET" else None)
        if length is None:
            self.close_connection = True
            return self.send_error(411)
        request = Request(
            method=self.command,
            path=split.path,
            query=dict(parse_qsl(split.query)),
            headers={k.lower(): v for k, v in self.headers.items()},
            body=self.rfile.read(int(length)),
        )
        return self._send(loopback.reply(request), loopback)

    def _send(self, answer, loopback):
        if answer.fault is not None:
            self.close_connection = True
        if answer.fault == "drop":
            return None
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.fault == "flood":
            self.end_headers()
            return self._flood(loopback)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.fault == "stall":
            self.wfile.flush()
            loopback.closing.wait()
            return None
        half = len(answer.body) // 2 if answer.fault == "cut" else len(answer.body)
        self.wfile.write(answer.body[:half])
        return None

    def _flood(self, loopback):
        try:
            for _ in range(FLOOD_BYTES // 65536):
                self.wfile.write(b"[" + b" " * 65535)
        except ConnectionError:
            loopback.floods.put("refused")
        else:
            loopback.floods.put("taken")
