"""What code adds to a log line is in it, as JSON or as text, without secrets."""

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.secrets import Redactor, Secret
from imagegen_http.service import compose
from imagegen_http.settings.schema import Settings

LOGGING = """
import logging, sys, structlog
from imagegen_core.secrets import Redactor
from imagegen_http.guard import asgi
from imagegen_http.server.logs import set_up_logs
from imagegen_http.settings.schema import LogSettings
set_up_logs(LogSettings(format=sys.argv[1], level="info"), Redactor().redact_event)
asgi.request_id.set("r1")
own, library = structlog.get_logger("imagegen.test"), logging.getLogger("library")
for log in (own, library):
    log.debug("not shown")
own.info("猫\\n", path="/a?key=sk-0123456789abcdef", size=2**70, other=ValueError("token=abc"))
library.warning("GET https://h.example/?key=%s", "abc", extra={"dropped": 1})
logging.getLogger("imagegen_core.test").warning("ended", extra={"task_id": "t1", "seconds": 0.5})
try:
    1 / 0
except ZeroDivisionError:
    own.exception("failed")
    library.exception("failed")
"""


def logged(form, stderr=subprocess.PIPE):
    """Return the lines that a process logs."""
    command = [sys.executable, "-c", LOGGING, form]
    done = subprocess.run(command, stderr=stderr, check=True, timeout=60)
    return (done.stderr or b"").decode().splitlines()


def test_our_events_and_those_of_libraries_are_json_lines():
    """One line each, with the context of the request; a traceback is a field."""
    own, library, core, *failures = map(json.loads, logged("json"))

    assert ("猫\\n", "info", "r1", 2**70) == (own["event"], own["level"], own["request_id"], own["size"])
    assert ("GET https://h.example/?****", "r1") == (library["event"], library["request_id"])
    assert "dropped" not in library
    assert ("ended", "t1", 0.5) == (core["event"], core["task_id"], core["seconds"])
    assert "abc" not in own["other"]
    assert "sk-" not in own["path"]
    assert [True, True] == ["ZeroDivisionError" in failure["exception"] for failure in failures]
    assert all("timestamp" in line for line in (own, library, core, *failures))


def test_on_a_terminal_lines_are_text():
    """The same events without JSON, and without secrets as well."""
    lines = logged("text")

    assert ["猫" in lines[0], "h.example" in lines[1]] == [True, True]
    assert "sk-" not in lines[0]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_log_that_cannot_be_written_fails_nothing():
    """The lines are lost; the process goes on to its end."""
    with Path("/dev/full").open("wb") as full:
        assert [] == logged("json", stderr=full)


@pytest.mark.anyio
async def test_the_master_key_stays_masked_however_many_keys_there_are(tmp_path):
    """Those of providers and of requests are forgotten before it."""
    names = [f"p{number}" for number in range(40)]
    keys = {
        name: ProviderConfig(
            provider_name=name,
            kind="stable_diffusion",
            api_key=Secret(f"key-of-{name}"),
            source=ConfigSource.FILE,
        )
        for name in names
    }
    master_key, redactor = base64.urlsafe_b64encode(bytes(range(32))).decode(), Redactor()

    settings = Settings(data_dir=tmp_path / "data", providers=keys)
    async with compose(settings, environ={"IMAGEGEN_MASTER_KEY": master_key}, redactor=redactor):
        for number in range(300):
            redactor.register(f"of-request-{number}")

    assert "the key ****" == redactor.redact(f"the key {master_key}")
