"""Which addresses an upstream may have."""

import socket

import pytest

from tests.integration.api.asking import (
    CONFIG,
    GENERATE,
    body_of,
    row,
)
from tests.integration.api.conftest import KEY
from tests.integration.api.live_server import LiveServer

INSIDE = [
    "http://10.0.0.1/v1",
    "http://192.168.1.1",
    "http://172.16.0.1",
    "http://127.0.0.1:8000",
    "http://localhost:8000",
    "http://LOCALHOST.:8000",
    "http://[::1]:8000",
    "http://[::ffff:127.0.0.1]:8000",
    "http://[fd00::1]",
    "http://0.0.0.0:8000",
    "http://127.1:8000",
    "http://2130706433:8000",
    "http://0x7f000001:8000",
    "http://0177.0.0.1:8000",
    "http://169.254.169.254/latest",
    "http://100.100.100.200/latest",
]


@pytest.mark.parametrize("address", INSIDE)
def test_a_private_address_is_refused_when_it_is_saved(api, address):
    """However it is written; nothing is saved."""
    answer = api.post(CONFIG, json={"provider_name": "inside", "kind": "demo", "api_base": address})

    assert (400, 40008, "upstream_not_allowed") == row(answer)
    assert 404 == api.get(f"{CONFIG}/inside").status_code


@pytest.mark.parametrize("address", INSIDE)
def test_a_private_address_in_a_task_is_refused(api, address):
    """With a key of its own or without."""
    body = {**body_of(), "config": {"api_base": address, "api_key": "sk-own-key-000000"}}

    assert (400, 40008, "upstream_not_allowed") == row(api.post(GENERATE, json=body))


def test_the_service_itself_is_no_upstream_even_if_listed(tmp_path):
    """It would call itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    config = {"security": {"allow_private_upstreams": [f"127.0.0.1:{port}"]}}
    server = LiveServer(tmp_path, config, port=port).start()
    try:
        with server.client() as api:
            answer = api.post(CONFIG, json={"provider_name": "loop", "kind": "demo", "api_base": server.url})
    finally:
        server.end()

    assert (400, 40008, "upstream_not_allowed") == row(answer)


def test_a_name_that_does_not_resolve_may_be_saved(saved):
    """It may resolve later."""
    config = saved("unresolved", api_base="https://nowhere.invalid/v1", api_key=KEY)

    assert "https://nowhere.invalid/v1" == config["api_base"]
