"""Servers and the listeners that receive their requests: the home of secrets, and a stranger."""

import pytest

from tests.integration.api.asking import CONFIG, data
from tests.integration.api.live_server import LiveServer


@pytest.fixture
def start_server(tmp_path):
    """Return a function that starts a server in ``tmp_path``; all stop with the test."""
    started = []

    def start(config=None, *, environ=None, folder=tmp_path):
        folder.mkdir(exist_ok=True)
        started.append(LiveServer(folder, config or {}, environ or {}))
        return started[-1].start()

    yield start
    for server in started:
        server.end()


@pytest.fixture
def home(listeners):
    """The listener that the secrets are for, without the requests of earlier tests."""
    return _forgetful(listeners[0])


@pytest.fixture
def stranger(listeners):
    """The listener that none of them may reach, without the requests of earlier tests."""
    return _forgetful(listeners[1])


def _forgetful(listener):
    listener.requests.clear()
    listener.connections = 0
    return listener


@pytest.fixture(scope="module")
def client(server):
    """Return a client of the module's server."""
    with server.client() as client:
        yield client


@pytest.fixture
def api(client):
    """The module's service; what a test saves is removed after it."""
    yield client
    for config in data(client.get(CONFIG))["items"]:
        client.delete(f"{CONFIG}/{config['provider_name']}")
