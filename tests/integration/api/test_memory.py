"""No caller can exhaust the memory: measured in the process of the service."""

import base64
import contextlib
import io
import random
import selectors
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image

from tests.integration.api.asking import IMAGES, TASKS, data, ended
from tests.integration.api.conftest import UPSTREAM

MIB = 1024 * 1024
SIDE = 2600
"""Pixels; such an image of noise has 20 MB."""

CONFIG = {
    "security": {"allow_private_upstreams": [UPSTREAM.removeprefix("http://")]},
    "providers": {"webui": {"kind": "stable_diffusion", "api_base": UPSTREAM, "max_retries": 0}},
}


class Peak:
    """The highest resident memory of a process since its creation, in bytes above what it was then."""

    def __init__(self, pid):
        self._status = Path(f"/proc/{pid}/status")
        Path(f"/proc/{pid}/clear_refs").write_text("5")
        self._before = self._bytes("VmRSS")

    @property
    def growth(self):
        return self._bytes("VmHWM") - self._before

    def _bytes(self, name):
        (line,) = [line for line in self._status.read_text().splitlines() if line.startswith(name)]
        return int(line.split()[1]) * 1024


def noise(side=SIDE, seed=0):
    """Return a PNG that does not compress."""
    out = io.BytesIO()
    Image.frombytes("RGB", (side, side), random.Random(seed).randbytes(side * side * 3)).save(
        out, "PNG", compress_level=0
    )
    return out.getvalue()


def data_url(image):
    return "data:image/png;base64," + base64.b64encode(image).decode()


def test_a_retry_does_not_read_its_inputs_whole(start_server):
    """Two images of 20 MB are copied from one task to the next in pieces."""
    server = start_server(CONFIG)
    body = {"provider": "webui", "prompt": "猫", "image": data_url(noise()), "mask": data_url(noise(seed=1))}
    with server.client() as client:
        task = data(client.post(f"{IMAGES}/edit", json=body))
        ended(client, task["task_id"])
    server.stop()
    server.start()

    with server.client() as client:
        peak = Peak(server.process.pid)
        again = client.post(f"{TASKS}/{task['task_id']}/retry")

        assert 202 == again.status_code
        assert peak.growth < 20 * MIB


CALLERS = 400
"""Each brings a mebibyte, which is three times what bodies may have together."""


@pytest.mark.parametrize(
    ("method", "rest", "reason"),
    [
        ("GET", b"".join(b"%x:\r\n" % number for number in range(3000)), "请求头"),
        ("POST", b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 100_000, "分块"),
    ],
)
def test_thousands_of_tiny_pieces_are_refused(server, method, rest, reason):
    """Thousands of headers, or of one-byte chunks, cost a hundred times their size."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as caller:
        with contextlib.suppress(ConnectionError):
            head = f"{method} /api/v1/tasks/generate HTTP/1.1\r\nHost: {address.netloc}\r\n"
            caller.sendall(head.encode() + b"Content-Type: application/json\r\n" + rest)
        caller.settimeout(20)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := caller.recv(4096):
                answer += piece

    assert b"HTTP/1.1 400 " == answer[:13]
    assert reason.encode() in answer


def test_bodies_that_wait_for_their_end_have_a_limit(start_server):
    """However small each is: those beyond it get 503, and memory does not grow."""
    server = start_server({})
    address = urlsplit(server.url)
    head = (
        f"POST /api/v1/tasks/generate HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {MIB}\r\n\r\n"
    )
    peak = Peak(server.process.pid)
    with contextlib.ExitStack() as stack, selectors.DefaultSelector() as answers:
        for _ in range(CALLERS):
            caller = stack.enter_context(socket.create_connection((address.hostname, address.port)))
            answers.register(caller, selectors.EVENT_READ)
            with contextlib.suppress(ConnectionError):
                caller.sendall(head.encode() + b" " * (MIB - 1))
        refused = set()
        while len(refused) < CALLERS - 150 and (ready := answers.select(timeout=20)):
            refused |= {key.fd for key, _ in ready if b" 503 " in key.fileobj.recv(100)}

    assert len(refused) >= CALLERS - 150
    assert peak.growth < 300 * MIB


@pytest.mark.parametrize("path", [f"{IMAGES}/edit", "/v1/images/edits"])
def test_a_body_of_millions_of_values_is_refused_unread(start_server, path):
    """They would take a gigabyte, and block everybody else while they are parsed."""
    server = start_server({})
    values = b",".join(b'"p%d":1' % number for number in range(5_000_000))
    body = b'{"prompt":"a","image":"image:1","params":{' + values + b"}}"
    with server.client() as client:
        peak = Peak(server.process.pid)
        headers = {"Content-Type": "application/json", "Accept-Language": "en"}
        answer = client.post(path, content=body, headers=headers)

    assert 400 == answer.status_code
    assert "has more than 20000 values" in answer.text
    assert peak.growth < 120 * MIB


def test_a_large_image_is_in_memory_twice_at_most(start_server):
    """Once as received and once decoded: two of them, 54 MB of base64 and 40 MB of images."""
    server = start_server(CONFIG)
    body = {"provider": "webui", "prompt": "猫", "image": data_url(noise()), "mask": data_url(noise(seed=1))}
    with server.client() as client:
        peak = Peak(server.process.pid)
        answer = client.post(f"{IMAGES}/edit", json=body)

    assert 202 == answer.status_code
    assert peak.growth < 150 * MIB
