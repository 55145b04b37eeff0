"""The official client against the real service."""

import base64

import openai
import pytest

from tests.fakes.images import png
from tests.integration.api.live_server import LiveServer

TOKEN = "a-token-of-some-length-0123456789"


def client_of(server, *, api_key="any-key", max_retries=0, timeout=60):
    """Return the official client, configured as users do."""
    return openai.OpenAI(
        base_url=f"{server.url}/v1", api_key=api_key, max_retries=max_retries, timeout=timeout
    )


def decoded(response):
    return [base64.b64decode(image.b64_json) for image in response.data]


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The shared server."""
    running = LiveServer(tmp_path_factory.mktemp("openai")).start()
    yield running
    running.end()


@pytest.fixture(scope="session")
def api(server):
    with server.client(**{"Accept-Language": "en"}) as client:
        yield client


@pytest.fixture(scope="session")
def client(server):
    with client_of(server) as client:
        yield client


@pytest.fixture(scope="session")
def image():
    """Return a PNG of 64 by 64 pixels."""
    return png(7, size=(64, 64))
