"""What callers bring fills no memory: measured at the process that serves them."""

import base64
import io
import random
from pathlib import Path

from PIL import Image

from tests.integration.api.asking import IMAGES, TASKS, data, ended
from tests.integration.api.conftest import UPSTREAM

MIB = 1024 * 1024
SIDE = 2600
"""Pixels; such a picture of noise has 20 MB."""

CONFIG = {
    "security": {"allow_private_upstreams": [UPSTREAM.removeprefix("http://")]},
    "providers": {"webui": {"kind": "stable_diffusion", "api_base": UPSTREAM, "max_retries": 0}},
}


class Peak:
    """The highest resident memory of a process since this was made, in bytes, beyond what it had then."""

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


def data_url(picture):
    return "data:image/png;base64," + base64.b64encode(picture).decode()


def test_a_retry_does_not_read_its_inputs_whole(start_server):
    """Two pictures of 20 MB go from one task to the next in pieces."""
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
