"""Files are accessible to their owner only, and each log entry is one line."""

import contextlib
import json
import os
import re
import stat

import pytest

from tests.fakes.http_server import Break, HttpServer
from tests.fakes.images import png
from tests.fakes.in_thread import in_thread
from tests.fakes.own_upstream import DOCUMENT, FakeOwn
from tests.integration.api.asking import CONFIG, GENERATE, WAIT, data, data_url, finished, submit, until

REFERENCES = "/api/v1/images/generate-with-references"
IN_EVERY_TREE = {
    "imagegen.db",
    "imagegen.db-wal",
    "imagegen.db-shm",
    "master.key",
    "master.check",
    "server.json",
    "lock",
}


@contextlib.contextmanager
def umask(mask):
    """Start child processes under a umask."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def modes_below(folder):
    """Return (relative path, is directory, mode) of a folder and everything in it."""
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # temporary files come and go
            mode = path.stat().st_mode
            yield str(path.relative_to(folder)), stat.S_ISDIR(mode), stat.S_IMODE(mode)


def open_to_others(folder):
    """Return the files that are not exactly 0700 or 0600."""
    return [
        (path, oct(mode))
        for path, is_folder, mode in modes_below(folder)
        if mode != (0o700 if is_folder else 0o600)
    ]


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_everything_in_the_data_directory_is_for_its_owner(start_server, tmp_path, mask):
    """While running, after a kill, after a start and after a stop; and backups as well."""
    fake = FakeOwn()
    with in_thread(HttpServer(fake)) as upstream, umask(mask):
        server = start_server({"security": {"allow_private_upstreams": [f"127.0.0.1:{upstream.port}"]}})
        with server.client() as api:
            task = finished(api, num=2)
            for image in task["images"]:
                api.get(image["thumbnail_url"])
            body = {"provider_name": "own", "kind": "http", "extra_config": {"spec": DOCUMENT}}
            data(api.post(CONFIG, json={**body, "api_base": upstream.url, "api_key": fake.key}))
            upstream.break_next(Break.SILENCE, path="^/make$")
            reference = {"provider": "own", "prompt": "x", "reference_images": [data_url(png())]}
            data(api.post(REFERENCES, json=reference))
            until(lambda: len(upstream.requests), lambda count: count == 1)
            while_working = open_to_others(server.data_dir)
            names = {path for path, _, _ in modes_below(server.data_dir)}
            server.kill()
        after_a_kill = open_to_others(server.data_dir)
        server.start()
        backup = server.imagegen("backup", tmp_path / "backup")
        server.stop()
        after_a_stop = open_to_others(server.data_dir)

    assert IN_EVERY_TREE <= names
    assert {"images", "spool"} <= names
    assert any(path.endswith(".thumb.webp") for path in names)
    assert any(path.startswith("spool/") and "reference-0" in path for path in names)
    assert ([], [], []) == (while_working, after_a_kill, after_a_stop)
    assert (0, 0o600) == (backup.returncode, stat.S_IMODE((tmp_path / "backup").stat().st_mode)), backup


ODD = "a\nb\r\nc\x1b[31mred\x1b[0m\x85d\u2028e\u2029f\u202eg\u2066h\u200fi\x00j\x7fk"
NOT_IN_A_LOG = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_log_entry_is_one_line_whatever_it_tells_of(start_server, form):
    """Line breaks, escape codes and bidi marks are escaped in prompts, paths and errors."""
    server = start_server({"log": {"level": "debug", "format": form}})
    quoted = "".join(f"%{byte:02x}" for byte in ODD.encode())
    with server.client() as api:
        submit(api, ODD.replace("\x00", ""), headers={**WAIT, "Idempotency-Key": "x"})
        api.get(f"/{quoted}")
        api.get(f"/api/v1/images/{quoted}/content")
        api.get("/api/v1/images/search", params={"keyword": ODD})
        api.post(GENERATE, json={"provider": ODD, "params": {"prompt": ODD}})
        api.post(CONFIG, json={"provider_name": ODD})
        api.get("/", headers={"X-Request-Id": b"x\x9by", "User-Agent": b"\x9b31m"})
    server.stop()
    lines = server.log.split("\n")[:-1]

    assert [] == [line for line in lines if NOT_IN_A_LOG.search(line)]
    assert any("\\n" in line for line in lines)
    if form == "json":
        assert all({"event", "level", "timestamp"} <= json.loads(line).keys() for line in lines)
    else:
        assert all(re.match(r"20\d\d-\d\d-\d\dT", line) for line in lines), lines
