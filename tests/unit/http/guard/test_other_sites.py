"""What pages of other sites may do."""

import pytest

from tests.unit.http.guard.guard_requests import EVIL, GENERATE, OTHER_PORT, SELF, ask

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "site", "origin", "status"),
    [
        ("POST", None, None, 200),
        ("POST", "same-origin", SELF, 200),
        ("POST", "none", None, 200),
        ("POST", "same-site", SELF, 403),
        ("POST", "cross-site", None, 403),
        ("POST", "cross-site", SELF, 403),
        ("POST", "Cross-Site", None, 403),
        ("POST", "anything", None, 403),
        ("POST", None, SELF, 200),
        ("POST", None, "https://127.0.0.1:8080", 200),
        ("POST", None, EVIL, 403),
        ("POST", None, OTHER_PORT, 403),
        ("POST", None, "http://127.0.0.1", 403),
        ("POST", None, "null", 403),
        ("POST", "same-origin", "null", 403),
        ("POST", None, "http://[", 403),
        ("POST", None, "file://", 403),
        ("PUT", "cross-site", None, 403),
        ("DELETE", None, EVIL, 403),
        ("PATCH", "same-site", None, 403),
        ("GET", None, None, 200),
        ("GET", "same-origin", None, 200),
        ("GET", "none", None, 200),
        ("GET", "cross-site", None, 403),
        ("GET", "same-site", None, 403),
        ("GET", None, EVIL, 403),
        ("GET", None, "null", 403),
        ("HEAD", "cross-site", None, 403),
        ("OPTIONS", "cross-site", EVIL, 403),
    ],
)
async def test_other_sites_cannot_use_the_api(method, site, origin, status):
    """The browser's headers decide; without any it is not a browser."""
    headers = [("Sec-Fetch-Site", site), ("Origin", origin)]

    answer = await ask(method, "/api/v1/tasks", *[(k, v) for k, v in headers if v is not None])

    assert (status, False) == (answer.status, "access-control-allow-origin" in answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "mode", "status"),
    [
        ("GET", "/", "navigate", 200),
        ("GET", "/", "no-cors", 403),
        ("GET", "/health", "cors", 403),
        ("GET", "/docs", "navigate", 200),
        ("GET", "/api/v1/images/7/content", "navigate", 200),
        ("GET", "/api/v1/images/7/content", "no-cors", 403),
        ("GET", "//api//v1/images", "no-cors", 403),
        ("GET", "/v1/models", "cors", 403),
        ("GET", "/api", "cors", 403),
        ("GET", "/apiary", "cors", 403),
        ("POST", "/", "navigate", 403),
        ("POST", "/login", "navigate", 403),
        ("POST", "/logout", "navigate", 403),
    ],
)
async def test_other_sites_may_link_but_not_embed(method, path, mode, status):
    """A cross-site navigation that only reads is a link; anything else is not."""
    answer = await ask(method, path, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", mode))

    assert status == answer.status


async def test_two_origins_are_foreign():
    """A repeated header cannot hide a foreign origin behind our own."""
    answer = await ask("POST", GENERATE, ("Origin", SELF), ("Origin", EVIL))

    assert "forbidden_origin" == answer.slug
