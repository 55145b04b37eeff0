"""What token and cookie authorize, and what a login and a logout answer."""

import asyncio
import itertools
from urllib.parse import quote

import attrs
import pytest

from imagegen_http.guard import access
from imagegen_http.guard.guard import InboundGuard
from tests.unit.http.guard.guard_requests import (
    CLOCK,
    EVIL,
    GENERATE,
    JSON_TYPE,
    NOW,
    OTHER_PORT,
    SELF,
    TOKEN,
    WITH_TOKEN,
    ask,
    echo,
    refuse,
)

pytestmark = pytest.mark.anyio

COOKIE = ("Cookie", f"a=b; {access.COOKIE}={access.issue(TOKEN, NOW)}")
OLD_COOKIE = ("Cookie", f"{access.COOKIE}={access.issue(TOKEN, NOW - access.LIFETIME_SECONDS)}")
OTHER_COOKIE = ("Cookie", f"{access.COOKIE}={access.issue('other', NOW)}")
BEARER = ("Authorization", "Bearer " + TOKEN.encode().decode("latin-1"))
NAVIGATE = ("Sec-Fetch-Mode", "navigate")
OWN = ("Sec-Fetch-Site", "same-origin")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/health", [], 200),
        ("GET", "/health/ready", [], 200),
        ("GET", "/login", [], 200),
        ("GET", "/docs", [], 200),
        ("GET", "/docs/ui.js", [], 200),
        ("GET", "/openapi.json", [], 200),
        ("GET", "/docs/../api/v1/tasks", [], 401),
        ("GET", "/health/..\\api", [], 401),
        ("GET", "/healthy", [], 401),
        ("GET", "/api/v1/tasks", [], 401),
        ("GET", "/api/v1/health", [], 401),
        ("GET", "/unknown", [], 401),
        ("GET", "/api/v1/tasks", [BEARER], 200),
        ("GET", "/api/v1/tasks", [("Authorization", "bearer  " + BEARER[1][7:])], 200),
        ("GET", "/api/v1/tasks", [("Authorization", "Bearer wrong")], 401),
        ("GET", "/api/v1/tasks", [("Authorization", "Bearer")], 401),
        ("GET", "/api/v1/tasks", [("Authorization", "Basic " + BEARER[1][7:])], 401),
        ("GET", "/api/v1/tasks", [BEARER, BEARER], 401),
        ("GET", "/v1/models", [], 401),
        ("GET", "/v1/models", [BEARER], 200),
        ("GET", "/", [COOKIE], 200),
        ("GET", "/static/app.js", [COOKIE], 200),
        ("GET", "/", [OLD_COOKIE], 401),
        ("GET", "/", [OTHER_COOKIE], 401),
        ("GET", "/", [("Cookie", f"{access.COOKIE}=")], 401),
        ("GET", "/", [("Cookie", f"{access.COOKIE}=9999999999.00")], 401),
        ("GET", "/", [OTHER_COOKIE, COOKIE], 200),
        ("GET", "/api/v1/images/7/content", [COOKIE], 200),
        ("HEAD", "/api/v1/images/7/thumbnail", [COOKIE], 200),
        ("DELETE", "/api/v1/images/7/content", [COOKIE], 401),
        ("GET", "/api/v1/images/7", [COOKIE], 401),
        ("GET", "/api/v1/images/7", [COOKIE, OWN], 200),
        ("GET", "/api/v1/images/7", [COOKIE, ("Sec-Fetch-Site", "none")], 401),
        ("GET", "/api/v1/images/7", [COOKIE, ("Referer", f"{SELF}/")], 200),
        ("GET", "/api/v1/images/7", [COOKIE, ("Referer", f"{OTHER_PORT}/")], 401),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE], 401),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, OWN], 200),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, ("Origin", SELF)], 200),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, ("Origin", EVIL)], 403),
        ("POST", "/api/v1/tasks/a/cancel", [COOKIE, ("Sec-Fetch-Site", "same-site")], 403),
    ],
)
async def test_what_token_and_cookie_authorize(method, path, headers, status):
    """The token authorizes everything, the cookie what the console needs, and a few paths need neither."""
    assert status == (await ask(method, path, *headers, rules=WITH_TOKEN)).status


async def test_a_program_is_told_how_to_authenticate():
    """A 401 names the scheme."""
    answer = await ask("POST", GENERATE, JSON_TYPE, body=b"{}", rules=WITH_TOKEN)

    assert ("unauthorized", "Bearer") == (answer.slug, answer.headers["www-authenticate"])


@pytest.mark.parametrize("header", [NAVIGATE, ("Accept", "text/html,*/*")])
async def test_a_person_is_led_to_the_login_and_back(header):
    """A console page without a cookie redirects, and is the target after the login."""
    answer = await ask("GET", "/gallery?q=%E7%8C%AB&a=b", header, rules=WITH_TOKEN)

    location = "/login?next=/gallery%3Fq%3D%25E7%258C%25AB%26a%3Db"
    assert (303, location) == (answer.status, answer.headers["location"])


async def test_the_api_does_not_redirect():
    """A person who opens an API address gets a 401."""
    assert 401 == (await ask("GET", "/api/v1/tasks", NAVIGATE, rules=WITH_TOKEN)).status


FORM = ("Content-Type", "application/x-www-form-urlencoded")


async def log_in(password, target=None, **options):
    body = f"password={quote(password)}" + (f"&next={quote(target, safe='')}" if target else "")
    return await ask("POST", "/login", FORM, body=body.encode(), rules=WITH_TOKEN, **options)


async def test_the_right_token_sets_a_cookie_that_opens_the_console():
    """The login redirects to the console with an HttpOnly, SameSite=Strict cookie."""
    answer = await log_in(TOKEN)

    value, _, flags = answer.headers["set-cookie"].partition("; ")
    console = await ask("GET", "/", ("Cookie", value), rules=WITH_TOKEN)
    assert (303, "/", 200) == (answer.status, answer.headers["location"], console.status)
    assert "Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict" == flags


async def test_the_cookie_is_secure_over_https():
    """A cookie that was set over TLS is never sent without it."""
    assert (await log_in(TOKEN, scheme="https")).headers["set-cookie"].endswith("; Secure")


async def test_a_wrong_token_shows_the_form_again():
    """The response is a 401 page that says so and sets no cookie."""
    answer = await log_in("wrong")

    assert (401, False) == (answer.status, "set-cookie" in answer.headers)
    assert "访问令牌不正确" in answer.body.decode()


async def test_the_right_token_logs_in_while_others_guess():
    """Wrong ones wait for their answer, however many there are; the right one waits for none of them."""
    rules = attrs.evolve(WITH_TOKEN, failed_login_seconds=3600)
    guard = InboundGuard(echo, rules=rules, refuse=refuse, clock=CLOCK)
    guesses = [asyncio.create_task(log_in("wrong", guard=guard)) for _ in range(100)]
    await asyncio.sleep(0)

    answer = await log_in(TOKEN, guard=guard)

    assert (303, 0) == (answer.status, sum(guess.done() for guess in guesses))
    for guess in guesses:
        guess.cancel()


async def test_each_wrong_token_is_answered_as_one():
    """Nobody is told to come back later: the answer says that the token is wrong."""
    rules = attrs.evolve(WITH_TOKEN, failed_login_seconds=0.05)
    guard = InboundGuard(echo, rules=rules, refuse=refuse, clock=CLOCK)

    answers = await asyncio.gather(*(log_in("wrong", guard=guard) for _ in range(20)))

    assert [401] * 20 == [answer.status for answer in answers]


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/gallery?q=%E7%8C%AB", "/gallery?q=%E7%8C%AB"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("/a\r\nSet-Cookie: a=b", "/"),
        ("/\t/evil.example", "/"),
        ("/猫", "/"),
        ("/login?next=/login", "/"),
        ("/" + "a" * 3000, "/"),
    ],
)
async def test_a_login_leads_only_to_our_own_pages(target, location):
    """Anything but a plain path on this server becomes the console."""
    assert location == (await log_in(TOKEN, target)).headers["location"]


@pytest.mark.parametrize(
    ("language", "words"), [("", ["登录", "访问令牌"]), ("en-GB,en;q=0.9", ["Log in", "Access token"])]
)
async def test_the_login_page_speaks_both_languages(language, words):
    """Chinese unless English is preferred."""
    answer = await ask("GET", "/login", ("Accept-Language", language), rules=WITH_TOKEN)

    assert [True, True] == [word in answer.body.decode() for word in words]


async def test_who_chooses_a_language_at_the_login_has_it_afterwards():
    """Also after a wrong token; the page says where the token is, and the name of what asks for it."""
    english = (await ask("GET", "/login?lang=en&next=/p/7%3Fq%3Da", rules=WITH_TOKEN)).body.decode()
    wrong = await ask("POST", "/login", FORM, body=b"password=x&lang=en", rules=WITH_TOKEN)
    body = f"password={quote(TOKEN)}%0A&next={quote('/p/7?q=a', safe='')}&lang=en".encode()
    right = await ask("POST", "/login", FORM, body=body, rules=WITH_TOKEN)
    other = await ask(
        "POST", "/login", FORM, body=f"password={quote(TOKEN)}&lang=fr".encode(), rules=WITH_TOKEN
    )

    assert [] == [part for part in ("imagegen</b>", "server.auth_token", "Log in") if part not in english]
    assert '<a href="/login?lang=zh&amp;next=/p/7%3Fq%3Da" lang="zh-CN">' in english
    assert "is not correct" in wrong.body.decode()
    assert ["/p/7?q=a&lang=en", "/"] == [one.headers["location"] for one in (right, other)]


@pytest.mark.parametrize(("language", "words"), [("", "正在打开"), ("en", "Opening")])
async def test_a_link_of_another_site_is_asked_for_again_by_a_page_of_ours(language, words):
    """Whoever is logged in sends the cookie then, and whoever is not is led to the login."""
    foreign = ("Sec-Fetch-Site", "cross-site")
    answer = await ask(
        "GET", "/p/7?q=a&b", NAVIGATE, foreign, ("Accept-Language", language), rules=WITH_TOKEN
    )
    again = await ask("GET", "/p/7?q=a&b", NAVIGATE, OWN, rules=WITH_TOKEN)

    assert (200, "no-store") == (answer.status, answer.headers["cache-control"])
    assert b'<meta http-equiv="refresh" content="0; url=/p/7?q=a&amp;b">' in answer.body
    assert words in answer.body.decode()
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert (303, "/login?next=/p/7%3Fq%3Da%26b") == (again.status, again.headers["location"])


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", '/p/7"><script>', "/logout"])
async def test_a_link_of_another_site_leads_only_to_our_own_pages(path):
    """Nor can it escape the page."""
    foreign = ("Sec-Fetch-Site", "cross-site")
    answer = await ask("GET", f"{path}?<script>", NAVIGATE, foreign, rules=WITH_TOKEN)

    assert b"<script" not in answer.body
    assert b"url=//" not in answer.body
    assert b"url=/\\" not in answer.body


async def test_the_login_page_escapes_where_it_leads():
    """The return address cannot escape its attribute."""
    answer = await ask("GET", '/login?next=/"><b>', rules=WITH_TOKEN)

    assert b'value="/&quot;&gt;&lt;b&gt;"' in answer.body


async def test_the_login_page_may_do_nothing_but_log_in():
    """Its policy allows one style and its own form; the form sends its origin."""
    headers = (await ask("GET", "/login", rules=WITH_TOKEN)).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert ("same-origin", "no-store") == (headers["referrer-policy"], headers["cache-control"])


async def test_logging_out_clears_the_cookie():
    """A logout redirects to the login."""
    answer = await ask("POST", "/logout", COOKIE, OWN, rules=WITH_TOKEN)

    assert (303, "/login") == (answer.status, answer.headers["location"])
    assert answer.headers["set-cookie"].startswith(f"{access.COOKIE}=; Path=/; Max-Age=0;")


async def test_a_valid_cookie_skips_the_login():
    """The login page redirects whoever has one."""
    assert 303 == (await ask("GET", "/login", COOKIE, rules=WITH_TOKEN)).status


@pytest.mark.parametrize(("method", "path"), [("GET", "/login"), ("POST", "/login"), ("POST", "/logout")])
async def test_without_a_token_there_is_no_login(method, path):
    """It redirects to the console."""
    answer = await ask(method, path)

    assert (303, "/") == (answer.status, answer.headers["location"])


@pytest.mark.parametrize(("method", "path"), [("PUT", "/login"), ("GET", "/logout")])
async def test_the_login_knows_its_methods(method, path):
    """A link cannot log anybody out."""
    assert "method_not_allowed" == (await ask(method, path, rules=WITH_TOKEN)).slug


def changed(text):
    """Yield every string that differs from this one in one character."""
    for index in range(len(text)):
        yield text[:index] + ("0" if text[index] != "0" else "1") + text[index + 1 :]


def test_a_session_is_valid_for_its_token_and_time_alone():
    """No other token, no later time and no changed character is accepted."""
    cookie = access.issue(TOKEN, NOW)
    tries = [
        access.is_valid(cookie, TOKEN, NOW),
        access.is_valid(cookie, TOKEN, NOW + access.LIFETIME_SECONDS - 1),
        access.is_valid(cookie, TOKEN, NOW + access.LIFETIME_SECONDS),
        access.is_valid(cookie, "other", NOW),
        any(
            access.is_valid(other, TOKEN, NOW) for other in itertools.chain(changed(cookie), ["", ".", "é.é"])
        ),
    ]

    assert [True, True, False, False, False] == tries
