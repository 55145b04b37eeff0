"""What pages of other sites may do."""

import attrs
import pytest

from imagegen_http.guard import access
from tests.unit.http.guard.guard_requests import (
    EVIL,
    GENERATE,
    JSON_TYPE,
    NOW,
    OTHER_PORT,
    RULES,
    SELF,
    TOKEN,
    WITH_TOKEN,
    ask,
)

pytestmark = pytest.mark.anyio

BEARER = ("Authorization", f"Bearer {TOKEN.encode().decode('latin-1')}")
WRONG = ("Authorization", "Bearer guess")
CROSS_SITE = ("Sec-Fetch-Site", "cross-site")
APP = "app://-"
LISTED = attrs.evolve(RULES, allowed_origins=(APP, "http://localhost:3000", "https://a.example:443/"))
READABLE, EXPOSED = "access-control-allow-origin", "access-control-expose-headers"


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


def preflight_of(origin, method="POST", *headers):
    return (
        ("Origin", origin),
        ("Access-Control-Request-Method", method),
        ("Access-Control-Request-Headers", "authorization,content-type,x-stainless-os"),
        *headers,
    )


@pytest.mark.parametrize("origin", [EVIL, OTHER_PORT, APP, "file://", "null"])
@pytest.mark.parametrize("path", [GENERATE, "/v1/images/generations"])
async def test_a_page_that_has_the_token_may_use_the_api(origin, path):
    """Whatever its origin is: no page can make a browser add a token that it does not know."""
    answer = await ask(
        "POST", path, ("Origin", origin), CROSS_SITE, BEARER, JSON_TYPE, body=b"{}", rules=WITH_TOKEN
    )

    assert (200, origin, "Origin") == (answer.status, answer.headers[READABLE], answer.headers["vary"])
    assert {"X-Task-Id", "X-Request-Id", "Retry-After", "Location"} <= {*answer.headers[EXPOSED].split(", ")}
    assert "access-control-allow-credentials" not in answer.headers


async def test_an_app_without_an_origin_may_use_the_api_with_the_token():
    """Some send Sec-Fetch-Site alone."""
    answer = await ask("GET", "/api/v1/tasks", CROSS_SITE, BEARER, rules=WITH_TOKEN)

    assert (200, False) == (answer.status, READABLE in answer.headers)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param([WRONG], 401, id="a wrong token"),
        pytest.param([("Authorization", f"Basic {BEARER[1][7:]}")], 401, id="another scheme"),
        pytest.param([BEARER, ("Content-Type", "text/plain")], 415, id="a wrong type"),
    ],
)
async def test_a_page_with_a_token_can_read_why_it_is_refused(headers, status):
    """An app tells its user that the token is wrong; a page that tries tokens learns no more than that."""
    answer = await ask("POST", GENERATE, ("Origin", EVIL), *headers, body=b"{}", rules=WITH_TOKEN)

    assert (status, EVIL) == (answer.status, answer.headers[READABLE])


@pytest.mark.parametrize("path", ["/api/v1/tasks", "/api/v1/images/7/content"])
@pytest.mark.parametrize("authorization", [[], [WRONG]], ids=["alone", "beside a wrong token"])
async def test_the_cookie_opens_nothing_for_other_pages(path, authorization):
    """Also where a browser sends it along: a page on another port of this machine is of the same site."""
    cookie = ("Cookie", f"{access.COOKIE}={access.issue(TOKEN, NOW)}")
    site = ("Sec-Fetch-Site", "same-site")
    answer = await ask("GET", path, ("Origin", OTHER_PORT), site, cookie, *authorization, rules=WITH_TOKEN)

    assert (401 if authorization else 403) == answer.status


@pytest.mark.parametrize("path", ["/", "/login", "/docs", "/openapi.json", "/health", "/apiary"])
async def test_the_token_opens_the_api_alone(path):
    """Pages stay ours."""
    answer = await ask("GET", path, ("Origin", EVIL), CROSS_SITE, BEARER, rules=WITH_TOKEN)

    assert (403, False) == (answer.status, READABLE in answer.headers)


async def test_the_token_does_not_replace_the_host():
    """A page that rebinds its own name is stopped by the list of hosts, and reads nothing."""
    headers = ("Host", "evil.example"), ("Origin", "http://evil.example"), CROSS_SITE
    answers = [
        await ask("GET", "/api/v1/tasks", *headers, BEARER, rules=WITH_TOKEN),
        await ask("OPTIONS", GENERATE, headers[0], *preflight_of("http://evil.example"), rules=WITH_TOKEN),
    ]

    assert [(403, False)] * 2 == [(a.status, READABLE in a.headers) for a in answers]


@pytest.mark.parametrize("path", [GENERATE, "/api/v1/no/such/path", "/v1/images/edits"])
@pytest.mark.parametrize("origin", [EVIL, APP, "null"])
async def test_a_preflight_is_answered_where_a_token_is_set(origin, path):
    """It cannot have one yet. All paths are answered alike, so that nobody learns which there are."""
    answer = await ask("OPTIONS", path, *preflight_of(origin, "DELETE", CROSS_SITE), rules=WITH_TOKEN)

    assert (204, b"", origin) == (answer.status, answer.body, answer.headers[READABLE])
    assert "authorization,content-type,x-stainless-os" == answer.headers["access-control-allow-headers"]
    assert "DELETE" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", [APP, "http://localhost:3000", "https://a.example"])
async def test_a_page_of_an_allowed_origin_needs_no_token_where_there_is_none(origin):
    """The operator says so; the same port counts however it is written."""
    preflight = await ask("OPTIONS", GENERATE, *preflight_of(origin), rules=LISTED)
    answer = await ask("POST", GENERATE, ("Origin", origin), CROSS_SITE, JSON_TYPE, body=b"{}", rules=LISTED)
    wrong = await ask("POST", GENERATE, ("Origin", origin), JSON_TYPE, body=b"[" * 99, rules=LISTED)

    assert [(204, origin), (200, origin), (400, origin)] == [
        (a.status, a.headers[READABLE]) for a in (preflight, answer, wrong)
    ]


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "file://",
        EVIL,
        "https://localhost:3000",
        "http://localhost",
        "http://localhost:30001",
        "app://-x",
    ],
)
@pytest.mark.parametrize("authorization", [[], [BEARER]], ids=["alone", "with any key"])
async def test_without_a_token_no_other_origin_may(origin, authorization):
    """Exactly the listed ones, whatever key a client sends where none is needed."""
    preflight = await ask("OPTIONS", GENERATE, *preflight_of(origin), rules=LISTED)
    answer = await ask("POST", GENERATE, ("Origin", origin), *authorization, rules=LISTED)

    assert [(403, False)] * 2 == [(a.status, READABLE in a.headers) for a in (preflight, answer)]


async def test_an_allowed_origin_still_needs_the_token():
    """Where one is set; its page can read that it is missing."""
    rules = attrs.evolve(LISTED, auth_token=TOKEN)
    answer = await ask("GET", "/api/v1/tasks", ("Origin", APP), CROSS_SITE, rules=rules)

    assert (401, APP) == (answer.status, answer.headers[READABLE])


@pytest.mark.parametrize("origins", [(EVIL, SELF), ("a\xff",), ("a" * 256,)])
async def test_what_is_no_origin_is_never_repeated(origins):
    """The token lets the request in, and no page reads the answer."""
    answer = await ask("GET", "/api/v1/tasks", *[("Origin", o) for o in origins], BEARER, rules=WITH_TOKEN)

    assert (200, False) == (answer.status, READABLE in answer.headers)


async def test_our_own_pages_get_answers_that_are_not_mixed_up_with_those_of_others():
    """A cached one has no CORS headers; without token and list there are no others."""
    own = await ask("GET", "/api/v1/tasks", ("Sec-Fetch-Site", "same-origin"), BEARER, rules=WITH_TOKEN)
    alone = await ask("GET", "/api/v1/tasks", ("Sec-Fetch-Site", "same-origin"))

    assert ("Origin", False) == (own.headers["vary"], READABLE in own.headers)
    assert "vary" not in alone.headers
