"""Behind a proxy that loses patience, polling arrives where waiting does not; as the page about it says."""

import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.clients import nginx
from tests.clients.conftest import environ_of_clients
from tests.integration.api.asking import TASKS, data
from tests.markdown import DOCS, blocks

pytestmark = pytest.mark.timeout(900)

PAGE = DOCS / "how-to" / "long-requests-behind-a-proxy.md"
SHOWN = "http://127.0.0.1:8080"
PROGRAMS = {
    "curl": ("sh", ["/bin/sh", "-eu", "-c"]),
    "openai": ("python", [sys.executable, "-c"]),
    "fetch": ("js", ["node", "--input-type=module", "-e"]),
}
PAUSE = 0.3  # between two polls, in place of the page's three seconds
BODY = '{"prompt": "waits", "model": "slow/m", "response_format": "url"}'
AS_JSON = {"Content-Type": "application/json"}


def text_of(kind):
    """Return the page's only block of a kind."""
    (text,) = [text for other, text in blocks(PAGE) if other == kind]
    return text


@pytest.fixture
def impatient(start_nginx, monkeypatch):
    """Return a function that starts nginx with the page's site, but so many seconds; and its address."""
    site = text_of("nginx").replace("{", "{{").replace("}", "}}")
    for shown, used in (
        (f"{SHOWN};", "{upstream};"),
        ("proxy_read_timeout 60s;", "proxy_read_timeout {seconds}s;"),
    ):
        assert 1 == site.count(shown)
        site = site.replace(shown, used)
    monkeypatch.setattr(nginx, "STRANGER", f"server {{{{ listen 127.0.0.1:{{port}};\n{site}}}}}\n")

    def start(seconds):
        return start_nginx(seconds).strangers[seconds].replace("https://localhost", "http://127.0.0.1")

    return start


def run(command, folder):
    return subprocess.run(
        command,
        cwd=folder,
        env=environ_of_clients(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


def program_of(kind, address):
    """Return the page's program, for an image that is slow to make."""
    text = text_of(kind)
    assert SHOWN in text
    for size in ('"size": "512x512"', 'size: "512x512"', 'size="512x512"'):
        text = text.replace(size, size.replace("size", "model").replace("512x512", "slow/m"))
    text = re.sub(r"\bsleep( |\()3\b", rf"sleep\g<1>{PAUSE}", text).replace("3000", str(int(PAUSE * 1000)))
    return text.replace(SHOWN, address)


@pytest.mark.parametrize(
    ("patience", "seconds"),
    [
        pytest.param(1, 3, id="scaled down"),
        pytest.param(100, 150, id="in full", marks=pytest.mark.long),
    ],
)
def test_polling_arrives_where_waiting_does_not(service, upstream, impatient, tmp_path, patience, seconds):
    """One charge for each image; the call that waited has an error, and finds its task afterwards."""
    assert all(map(shutil.which, ("node", "curl")))
    upstream.fake.seconds = seconds
    address = impatient(patience)
    waiting = ["curl", "-sS", "-w", "%{http_code}", "-o", "/dev/null", "-d", BODY]
    waited = run(
        [*waiting, "-H", "Content-Type: application/json", f"{address}/v1/images/generations"], tmp_path
    )
    with ThreadPoolExecutor() as pool:
        polling = {
            name: pool.submit(run, [*way, program_of(kind, address)], tmp_path)
            for name, (kind, way) in PROGRAMS.items()
        }
    polled = {name: program.result() for name, program in polling.items()}
    with service.client() as api:
        repeat = api.post("/v1/images/tasks", content=BODY, headers=AS_JSON)
        tasks = data(api.get(TASKS))["items"]

    assert "504" == waited.stdout
    assert dict.fromkeys(PROGRAMS, 0) == {name: each.returncode for name, each in polled.items()}, polled
    assert all((tmp_path / f"cat-{name}.png").read_bytes().startswith(b"\x89PNG") for name in PROGRAMS)
    assert (202, "true") == (repeat.status_code, repeat.headers["x-idempotency-replayed"])
    assert {"waits": 1, "一只可爱的猫": 3} == upstream.fake.ledger
    assert ["completed"] * 4 == [task["status"] for task in tasks]
