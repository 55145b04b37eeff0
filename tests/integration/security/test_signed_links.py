"""Signed links through the running service: who gets them, what they open, and where they are not written."""

from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.api.asking import IMAGES
from tests.integration.api.live_server import LiveServer

TOKEN = "a-token-of-some-length-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
BODY = {"prompt": "a lighthouse", "size": "64x64", "response_format": "url"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with a token."""
    running = LiveServer(tmp_path_factory.mktemp("links"), {"server": {"auth_token": TOKEN}}).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def visitor(server):
    """Somebody without a token."""
    with server.client() as client:
        yield client


@pytest.fixture(scope="module")
def link(visitor):
    """The link of a new image."""
    return visitor.post("/v1/images/generations", json=BODY, headers=BEARER).json()["data"][0]["url"]


def test_a_link_opens_the_image_as_its_address_does(visitor, link):
    """Whole, in part, its head, and as unchanged."""
    plain = visitor.get(urlsplit(link).path, headers=BEARER)
    etag = plain.headers["etag"]
    answers = [
        visitor.get(link),
        visitor.head(link),
        visitor.get(link, headers={"Range": "bytes=1-8"}),
        visitor.get(link, headers={"If-None-Match": etag}),
    ]

    assert [200, 200, 206, 304] == [answer.status_code for answer in answers]
    assert [plain.content, b"", plain.content[1:9], b""] == [answer.content for answer in answers]
    assert {etag} == {answer.headers["etag"] for answer in answers}
    assert all(answer.headers["cache-control"].startswith("private, max-age=8") for answer in answers)
    assert "image/png" == answers[0].headers["content-type"]


def test_a_link_opens_nothing_else(server, visitor, link):
    """Neither another image, nor its record, its thumbnail or its removal; all say what no link says."""
    other = visitor.post("/v1/images/generations", json=BODY, headers=BEARER).json()["data"][0]["url"]
    path, query = urlsplit(other).path, urlsplit(link).query
    targets = [path, path.removesuffix("/content"), path.replace("content", "thumbnail"), IMAGES]
    refused = [visitor.get(f"{target}?{query}") for target in targets]
    refused.append(visitor.delete(f"{urlsplit(link).path.removesuffix('/content')}?{query}"))

    assert {(401, "unauthorized")} == {(a.status_code, a.json()["data"]["error"]) for a in refused}
    assert 200 == visitor.get(link).status_code


def test_an_image_that_is_gone_is_not_told_without_a_link(visitor, link):
    """The link is judged before anything is looked up, so nobody learns which images there are."""
    gone = visitor.post("/v1/images/generations", json=BODY, headers=BEARER).json()["data"][0]["url"]
    record = urlsplit(gone).path.removesuffix("/content")
    visitor.delete(record, headers=BEARER)

    assert (404, 401) == (visitor.get(gone).status_code, visitor.get(f"{gone}0").status_code)


def test_the_token_opens_what_a_bad_link_does_not(visitor, link):
    """A person who is logged in sees the image of an old link."""
    assert 200 == visitor.get(f"{link}0", headers=BEARER).status_code


def test_no_log_shows_a_signature(server, visitor, link):
    """Neither of an answer nor of a refusal."""
    signature = link.rpartition("=")[2]
    assert [200, 401] == [visitor.get(each).status_code for each in (link, f"{link}0")]

    assert f'"path":"{urlsplit(link).path}"' in server.log
    assert ("signature=" not in server.log, signature not in server.log) == (True, True)


def test_a_link_survives_a_restart(tmp_path):
    """Its key comes from the master key."""
    server = LiveServer(tmp_path, {"server": {"auth_token": TOKEN}}).start()
    try:
        with server.client() as client:
            link = client.post("/v1/images/generations", json=BODY, headers=BEARER).json()["data"][0]["url"]
        server.stop()
        server.start()
        target = f"{server.url}{urlsplit(link).path}?{urlsplit(link).query}"

        assert 200 == httpx.get(target, trust_env=False).status_code
    finally:
        server.end()
