"""A server of the test's own, started with what it says."""

import pytest

from tests.integration.api.live_server import LiveServer


@pytest.fixture
def start_server(tmp_path):
    """Return a function that starts a server in ``tmp_path``; all of them end with the test."""
    started = []

    def start(config=None, *, environ=None, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        started.append(LiveServer(folder, config or {}, environ or {}))
        return started[-1].start()

    yield start
    for server in started:
        server.end()
