"""API.md section 6: what a client says of its image reaches a provider that takes more than it declares."""

import pytest

from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.openai_gateway import FakeGateway
from tests.integration.openai.conftest import client_of

FIELDS = {"quality": "low", "background": "transparent", "output_format": "webp", "output_compression": 80}


@pytest.fixture
def upstream():
    with in_thread(HttpServer(FakeGateway())) as server:
        yield server


@pytest.fixture
def client(upstream, start_server):
    """The official client of a service that knows the provider as a gateway of the same kind."""
    fake, authority = upstream.fake, upstream.url.partition("//")[2]
    provider = {
        "kind": "http",
        "api_base": f"{upstream.url}/v1",
        "api_key": fake.key,
        "models": [{"id": "some-model"}],
        "extra_config": {"preset": "openai-compatible"},
    }
    config = {"security": {"allow_private_upstreams": [authority]}, "providers": {"gateway": provider}}
    with client_of(start_server(config)) as client:
        yield client


def test_a_generation_is_made_in_the_quality_that_was_asked_for(client, upstream):
    """The default may cost forty times as much."""
    client.images.generate(model="gateway/some-model", prompt="a lighthouse", user="me", **FIELDS)
    (body,) = upstream.fake.bodies

    assert FIELDS == {name: body.get(name) for name in FIELDS}
    assert {"model", "prompt", "n", *FIELDS} == set(body)


def test_an_edit_is_made_in_the_quality_that_was_asked_for(client, upstream, image):
    """Multipart at both ends."""
    client.images.edit(
        model="gateway/some-model", prompt="a hat", image=image, input_fidelity="high", **FIELDS
    )
    (body,) = upstream.fake.bodies

    expected = {**{name: str(value) for name, value in FIELDS.items()}, "input_fidelity": "high"}
    assert expected == {name: body.get(name) for name in expected}
