"""A provider that streams partial images step by step, as a test lets it."""

import threading
from contextlib import contextmanager

from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.openai_images import FakeOpenAI

STREAMING = "openai"
"""The provider's name."""


@contextmanager
def streaming_upstream():
    """Yield a fake whose streams wait for `steps` before each event."""
    with in_thread(HttpServer(FakeOpenAI())) as server:
        server.fake.steps = threading.Semaphore(0)
        yield server
        server.fake.steps.release(1000)


def streaming(upstream, **config):
    """Return a configuration with the provider."""
    provider = {"api_base": f"{upstream.url}/v1", "api_key": upstream.fake.key}
    return {
        "providers": {STREAMING: provider},
        "security": {"allow_private_upstreams": [upstream.url.partition("//")[2]]},
        **config,
    }
