"""The official clients see an image while it is made, as they do with OpenAI."""

import subprocess

import pytest

from tests.clients.conftest import environ_of_clients
from tests.fakes.images import png_base64
from tests.integration.api.live_server import LiveServer
from tests.integration.api.streaming_upstream import streaming, streaming_upstream

STREAMS = ("openai_npm", "openai_python")


@pytest.fixture
def upstream():
    with streaming_upstream() as upstream:
        yield upstream


@pytest.fixture
def service(upstream, tmp_path):
    server = LiveServer(tmp_path, streaming(upstream)).start()
    yield server
    server.end()


@pytest.mark.parametrize("name", STREAMS)
def test_a_client_sees_partial_images_before_the_final_one(installed, service, upstream, name):
    """Each when it is there: the provider goes on when the client has shown the one before."""
    command = [*installed.streams[name], f"{service.url}/v1", "openai/gpt-image-2", name]
    with subprocess.Popen(command, env=environ_of_clients(), stdout=subprocess.PIPE, text=True) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.split())
            upstream.fake.steps.release()

    assert [
        ["open"],
        ["image_generation.partial_image", str(len(png_base64(0)))],
        ["image_generation.partial_image", str(len(png_base64(1)))],
        ["image_generation.completed", str(len(png_base64(9)))],
    ] == lines
    assert (0, 1) == (process.returncode, len(upstream.fake.ledger))
