"""API.md section 10: the service behind a proxy that speaks TLS; this test is the proxy, at 127.0.0.1."""

from contextlib import ExitStack

import pytest

from tests.integration.api.asking import TASKS
from tests.integration.api.live_server import LiveServer

TOKEN = "a-token-of-some-length-0123456789"
PUBLIC = "https://pictures.example"
HTTPS = {"X-Forwarded-Proto": "https"}


@pytest.fixture
def serve(tmp_path):
    """Return a function that starts a server with such settings and returns its client."""
    with ExitStack() as ends:

        def start(**server):
            running = LiveServer(tmp_path, {"server": {"auth_token": TOKEN, **server}}).start()
            ends.callback(running.end)
            return ends.enter_context(running.client())

        yield start


def cookie_of(client, **headers):
    """Return the login's whole Set-Cookie."""
    return client.post("/login", data={"password": TOKEN}, headers=headers).headers["set-cookie"]


@pytest.mark.parametrize(
    ("server", "headers", "secure"),
    [
        ({}, {}, False),
        ({}, HTTPS, False),
        ({"trusted_proxies": ["127.0.0.1"]}, HTTPS, True),
        ({"trusted_proxies": ["127.0.0.0/8"]}, {"X-Forwarded-Proto": "http"}, False),
        ({"trusted_proxies": ["127.0.0.1"]}, {"Forwarded": "proto=https", "X-Forwarded-Ssl": "on"}, False),
        ({"trusted_proxies": ["10.0.0.1"]}, HTTPS, False),
        ({"public_url": PUBLIC}, {}, True),
        ({"public_url": "http://pictures.example"}, HTTPS, False),
    ],
)
def test_the_cookie_is_secure_where_the_login_came_by_https(serve, server, headers, secure):
    """According to the settings, and no other peer."""
    assert secure == cookie_of(serve(**server), **headers).endswith("; Secure")


def test_the_public_address_is_ours(serve):
    """As a Host, as the origin of our pages, and in the URLs of /v1."""
    client = serve(public_url=PUBLIC)
    cookie = cookie_of(client).partition(";")[0]
    own = {"Cookie": cookie, "Origin": PUBLIC}
    hosts = [{"Host": "pictures.example"}, {"Host": "127.0.0.1"}]
    page = [client.post(f"{TASKS}/generate", json={}, headers=own | host).status_code for host in hosts]
    foreign = client.post(f"{TASKS}/generate", json={}, headers=own | {"Origin": "http://pictures.example"})
    other = client.get(TASKS, headers={"Authorization": f"Bearer {TOKEN}", "Host": "other.example"})
    image = client.post(
        "/v1/images/generations",
        json={"prompt": "a lighthouse", "size": "64x64", "response_format": "url"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    ).json()["data"][0]

    assert [400, 400] == page  # past the guard: only the body is wrong
    assert [403, 403] == [foreign.status_code, other.status_code]
    assert image["url"].startswith(f"{PUBLIC}/api/v1/images/")


def test_addresses_have_the_scheme_that_a_trusted_proxy_says(serve):
    """Also without a public address."""
    client = serve(trusted_proxies=["127.0.0.1"], allowed_hosts=["pictures.example"])
    response = client.post(
        "/v1/images/generations",
        json={"prompt": "a lighthouse", "size": "64x64", "response_format": "url"},
        headers={"Authorization": f"Bearer {TOKEN}", "Host": "pictures.example", **HTTPS},
    )

    assert response.json()["data"][0]["url"].startswith(f"{PUBLIC}/api/v1/images/")
