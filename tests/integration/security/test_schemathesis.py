"""Checks a running server against the OpenAPI document with generated requests."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.api.asking import finished
from tests.integration.api.live_server import LiveServer

pytestmark = pytest.mark.one_python

SCHEMATHESIS = str(Path(sys.executable).with_name("st"))
PAST_THE_SCHEMA = "2xx, 400, 404, 422"
"""A well-formed request may name what is unknown, 4000x and 404, or a key or a name that is taken: 422."""

SETTINGS = f"""
seed = 1
workers = 1
request-timeout = 30.0
suppress-health-check = ["all"]

[generation]
deterministic = true
max-examples = 4
database = "none"

[checks.positive_data_acceptance]
expected-statuses = [{", ".join(f'"{status}"' for status in PAST_THE_SCHEMA.split(", "))}]

[[operations]]
include-path = "/api/v1/events"
request-timeout = 0.5
checks.response_schema_conformance.enabled = false

[[operations]]
include-method = "GET"
checks.negative_data_rejection.enabled = false

[[operations]]
include-method = "HEAD"
checks.negative_data_rejection.enabled = false
"""
"""The stream of all tasks has no end, and the document takes it for a text, not for one of its events. A GET
takes a query, as HEAD does, which is read leniently: what is unknown, empty or null there is as if left out.
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a task and an image."""
    running = LiveServer(tmp_path_factory.mktemp("schemathesis"), {"queue": {"size": 1_000_000}}).start()
    with running.client() as api:
        finished(api)
    yield running
    running.end()


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("phases", "at_least"),
    [("examples,coverage,stateful", 5000), pytest.param("fuzzing", 100, marks=pytest.mark.long)],
)
def test_every_answer_is_as_the_document_says(server, tmp_path, phases, at_least):
    """All checks on every operation: no 5xx, described answers, wrong bodies refused, other methods 405.

    What it makes up at random is a twentieth of the requests, and takes nearly half of the time.
    """
    (tmp_path / "schemathesis.toml").write_text(SETTINGS)
    ended = subprocess.run(
        [SCHEMATHESIS, "run", f"{server.url}/openapi.json", "--no-color", "--phases", phases],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=590,
        check=False,
    )
    tried = re.search(r"Tested: (\d+)", ended.stdout)
    operations = re.search(r"Selected: (\d+)/(\d+)", ended.stdout)

    assert 0 == ended.returncode, ended.stdout + ended.stderr
    assert operations[2] == operations[1] == tried[1]
    assert int(re.search(r"(\d+) generated", ended.stdout)[1]) > at_least
    levels = {json.loads(line)["level"] for line in server.log.splitlines()}
    assert ("info" in levels, "error" in levels) == (True, False)
