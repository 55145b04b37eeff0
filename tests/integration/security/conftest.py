"""Servers and the listeners that receive their requests: the home of secrets, and a stranger."""

import pytest

from tests.integration.api.asking import CONFIG, data


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
