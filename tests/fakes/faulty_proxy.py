"""Stands before an HTTP server on loopback, keeps a ledger of requests, and makes them fail on demand."""

import contextlib
import http.client
import http.server
import socket
import struct
import threading

import attrs


@attrs.frozen
class Fault:
    """What becomes of the next request with this method: ``reset``, ``stall``, ``truncate`` or an answer.

    An answer is a status, a body and headers; ``truncate`` forwards the request and cuts the response.
    """

    kind: str
    method: str
    status: int = 0
    body: bytes = b""
    headers: dict = attrs.field(factory=dict)


@attrs.frozen
class Request:
    """A request that arrived, and what was answered."""

    method: str
    path: str
    headers: dict


class FaultyProxy:
    """Forwards to ``port`` of loopback from a port of its own; with ``tls``, a context, it speaks TLS."""

    def __init__(self, port, *, tls=None):
        self.upstream, self._tls = port, tls
        self.faults, self.ledger = [], []
        self.released = threading.Event()
        self._server = self._listen(0)
        self.port = self._server.server_address[1]

    @property
    def endpoint(self):
        """The URL of the proxy."""
        return f"http://127.0.0.1:{self.port}" if self._tls is None else f"https://localhost:{self.port}"

    def fail(self, kind, method, times=1, **answer):
        """Make the next requests with this method fail."""
        self.faults += [Fault(kind, method, **answer) for _ in range(times)]

    def answer(self, method, status, code="", times=1, headers=None):
        """Answer the next requests with this method as S3 would."""
        body = (
            f"<Error><Code>{code}</Code><Message>{'a secret ' * 3}</Message></Error>".encode()
            if code
            else b""
        )
        self.fail("answer", method, times, status=status, body=body, headers=headers or {})

    def fail_all(self, status, code):
        """Answer every request so until ``faults`` is cleared."""
        for method in ("GET", "PUT", "HEAD", "DELETE", "POST"):
            self.answer(method, status, code, times=9)

    def methods(self):
        """Return the methods of all requests, in their order."""
        return [request.method for request in self.ledger]

    @contextlib.contextmanager
    def down(self):
        """Refuse connections meanwhile."""
        self._close()
        try:
            yield
        finally:
            self._server = self._listen(self.port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.released.set()
        self._close()

    def _listen(self, port):
        proxy = self

        class Handler(_Handler):
            state = proxy

        server = _Server(("127.0.0.1", port), Handler)
        if self._tls is not None:
            server.socket = self._tls.wrap_socket(
                server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return server

    def _close(self):
        self._server.shutdown()
        self._server.server_close()
        self._server.cut_all()


class _Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, *arguments):
        self.sockets = set()
        super().__init__(*arguments)

    def get_request(self):
        connection, address = super().get_request()
        self.sockets.add(connection)
        return connection, address

    def shutdown_request(self, request):
        self.sockets.discard(request)
        super().shutdown_request(request)

    def cut_all(self):
        for connection in list(self.sockets):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_):
        pass  # a client that goes away is what these tests are about


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state = None
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _handle(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.state.ledger.append(
            Request(self.command, self.path, {k.lower(): v for k, v in self.headers.items()})
        )
        fault = next((fault for fault in self.state.faults if fault.method == self.command), None)
        if fault is None:
            self._send(*self._forward(body))
            return
        self.state.faults.remove(fault)
        if fault.kind == "answer":
            self._send(fault.status, fault.headers, fault.body)
        elif fault.kind == "truncate":
            self._send(*self._forward(body), cut=True)
        elif fault.kind == "stall":
            self.state.released.wait()
            self.close_connection = True
        else:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle  # noqa: N815 - the names that http.server calls

    def _forward(self, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.state.upstream)
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()
        finally:
            connection.close()

    def _send(self, status, headers, body, *, cut=False):
        forwarded = {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}
        self.send_response_only(status)
        for name, value in forwarded.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in forwarded} and status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self.close_connection = True


_HOP_BY_HOP = ("connection", "transfer-encoding", "keep-alive")
