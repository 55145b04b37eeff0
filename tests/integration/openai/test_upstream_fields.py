"""API.md section 6: a client's fields about its image reach a provider that accepts more than it declares."""

import pytest

from tests.fakes.http_server import HttpServer
from tests.fakes.in_thread import in_thread
from tests.fakes.simple_upstreams import FakeGateway
from tests.integration.openai.conftest import client_of

FIELDS = {"quality": "low", "background": "transparent", "output_format": "webp", "output_compression": 80}


@pytest.fixture
def upstream():
    with in_thread(HttpServer(FakeGateway())) as server:
        yield server


@pytest.fixture
def client(upstream, start_server):
    """The official client of a service that has the provider configured as a compatible gateway."""
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


def test_a_generation_has_the_requested_quality(client, upstream):
    """The default may cost forty times as much."""
    client.images.generate(model="gateway/some-model", prompt="a lighthouse", user="me", **FIELDS)
    (body,) = upstream.fake.bodies

    assert FIELDS == {name: body.get(name) for name in FIELDS}
    assert {"model", "prompt", "n", *FIELDS} == set(body)


def test_an_edit_has_the_requested_quality(client, upstream, image):
    """Multipart at both ends."""
    client.images.edit(
        model="gateway/some-model", prompt="a hat", image=image, input_fidelity="high", **FIELDS
    )
    (body,) = upstream.fake.bodies

    expected = {**{name: str(value) for name, value in FIELDS.items()}, "input_fidelity": "high"}
    assert expected == {name: body.get(name) for name in expected}
