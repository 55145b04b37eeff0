"""Debian's Caddy with the site that the project ships, in front of the service."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from tests.integration.api.live_server import LiveServer

SITE = Path(__file__).parents[2] / "deploy" / "Caddyfile"
TOKEN = "behind-caddy"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    """A client that reaches the service through Caddy, over TLS."""
    if shutil.which("caddy") is None:
        pytest.skip("needs Debian's caddy")
    folder, port = tmp_path_factory.mktemp("caddy"), free_port()
    origin = f"https://localhost:{port}"
    server = LiveServer(folder, {"server": {"auth_token": TOKEN, "public_url": origin}}).start()
    site = SITE.read_text("utf-8").replace("127.0.0.1:8080", server.url.removeprefix("http://"))
    site = site.replace("pictures.example.com {", f"localhost:{port} {{\n\ttls internal\n", 1)
    head = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n"
    (folder / "Caddyfile").write_text(head + site)
    environ = {
        **os.environ,
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "HOME": str(folder),
    }
    with (folder / "caddy.log").open("wb") as log:
        command = ["caddy", "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]
        caddy = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        root = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        client = connected(origin, root)
        yield client
        client.close()
    finally:
        caddy.terminate()
        caddy.wait(30)
        server.end()


def connected(origin, root):
    """Return a client once Caddy answers with a certificate of its own authority."""
    deadline = time.monotonic() + 30
    while True:
        try:
            trust = ssl.create_default_context(cafile=root)
            client = httpx.Client(base_url=origin, verify=trust, trust_env=False, timeout=60)
            client.get("/health/live").raise_for_status()
        except (OSError, httpx.HTTPError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return client


HEADERS = {"Authorization": f"Bearer {TOKEN}"}


def test_the_login_s_cookie_is_secure(behind):
    """The service knows that its callers speak TLS."""
    answer = behind.post("/login", data={"password": TOKEN}, headers={"Origin": str(behind.base_url)})

    assert 303 == answer.status_code, answer.text
    assert "Secure" in answer.headers["Set-Cookie"]


def test_events_come_while_the_task_runs(behind):
    """Nothing is collected on the way: the first event is here long before the last."""
    params = {"prompt": "slowly", "delay_seconds": 4}
    task = behind.post("/api/v1/tasks/generate", json={"params": params}, headers=HEADERS).json()["data"]
    path = f"/api/v1/tasks/{task['task_id']}/events"
    with behind.stream("GET", path, headers=HEADERS) as events:
        lines = events.iter_lines()
        first = next(line for line in lines if line.startswith("event:"))
        status = behind.get(f"/api/v1/tasks/{task['task_id']}", headers=HEADERS).json()["data"]["status"]

    assert (True, True) == (bool(first), status in ("pending", "processing"))


def test_a_body_that_is_too_large_is_refused(behind):
    """By either; and one that is not gets through."""
    headers = {**HEADERS, "Content-Type": "application/json"}
    bodies = [b'"' + b"x" * (mb * 1024 * 1024) + b'"' for mb in (65, 20)]
    answers = [behind.post("/api/v1/images/edit", content=body, headers=headers) for body in bodies]

    assert [413, 400] == [answer.status_code for answer in answers]
