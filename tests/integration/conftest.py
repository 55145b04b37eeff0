"""A server for one test."""

import pytest

from tests.integration.api.live_server import LiveServer


@pytest.fixture
def start_server(tmp_path):
    """Return a function that starts a server for the test alone, in ``tmp_path`` or below it."""
    started = []

    def start(config=None, *, environ=None, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        started.append(LiveServer(folder, config or {}, environ or {}))
        return started[-1].start()

    yield start
    for server in started:
        server.end()
