"""Signed links: each opens one image, for a day."""

import attrs
import pytest

from imagegen_adapters.memory import MemorySecretBox
from imagegen_http.guard.access import LINK_SECONDS, ImageLinks
from imagegen_http.guard.asgi import FOREVER, respond
from imagegen_http.guard.guard import InboundGuard
from tests.contracts.clock import ManualClock
from tests.unit.http.guard.guard_requests import CLOCK, EVIL, RULES, TOKEN, WITH_TOKEN, ask, refuse

pytestmark = pytest.mark.anyio

PATH = "/api/v1/images/7/content"
BEARER = ("Authorization", f"Bearer {TOKEN.encode().decode('latin-1')}")
EMBEDDED = (("Origin", EVIL), ("Sec-Fetch-Site", "cross-site"))
BOX = MemorySecretBox()
LINKS = ImageLinks(box=BOX, clock=CLOCK, needs_token=True)
LINK = LINKS.url(7, "")
EXPIRES, SIGNATURE = LINK.partition("?")[2].split("&")


async def image(scope, receive, send):
    """Answer as the content of an image does."""
    headers = [(b"cache-control", FOREVER.encode()), (b"cross-origin-resource-policy", b"same-origin")]
    await respond(send, 200, headers, b"bytes")


def guard_of(links=LINKS, clock=CLOCK, rules=WITH_TOKEN):
    return InboundGuard(image, rules=rules, refuse=refuse, clock=clock, links=links)


async def get(target, *headers, method="GET", **changes):
    return await ask(method, target, *headers, guard=guard_of(**changes))


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("target", [LINK, f"{PATH}?{SIGNATURE}&{EXPIRES}", f"{LINK}&utm_source=mail"])
async def test_a_link_opens_its_image(method, target):
    """Without a token, in any order, also where a program has added something of its own."""
    assert 200 == (await get(target, method=method)).status


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "OPTIONS"])
async def test_a_link_only_reads(method):
    """It is no token."""
    assert 401 == (await get(LINK, method=method)).status


def _damaged():
    """Yield the link with each of its characters changed, left out, or doubled, and its parts moved."""
    for at in range(len(PATH) + 1, len(LINK)):
        yield LINK[:at] + ("0" if LINK[at] != "0" else "1") + LINK[at + 1 :]
        yield LINK[:at] + LINK[at].swapcase() + LINK[at + 1 :] if LINK[at].isalpha() else LINK[:at]
        yield LINK[:at] + LINK[at + 1 :]
        yield LINK[:at] + "0" + LINK[at:]
    for other in ("8/content", "07/content", "77/content", "7/thumbnail", "7"):
        yield LINK.replace("7/content", other, 1)
    for query in (EXPIRES, SIGNATURE, "expires=&signature=", "expires&signature", "signature=", "expires=-1"):
        yield f"{PATH}?{query}"
    for more in (EXPIRES, SIGNATURE, "expires=", "signature=", "%65xpires=9", "expires=9999999999"):
        yield f"{LINK}&{more}"
        yield f"{PATH}?{more}&{EXPIRES}&{SIGNATURE}"
    for zero in ("expires=+", "expires=%20", "expires=0", "expires=%00"):
        yield LINK.replace("expires=", zero, 1)
    yield LINK.replace("&", ";")
    yield LINK + "%FF"


async def test_a_changed_link_opens_nothing():
    """Whatever was changed, the answer is the one without a token."""
    without = await get(PATH)
    answers = {target: await get(target) for target in _damaged()}
    still_open = [
        target for target, answer in answers.items() if (answer.status, answer.body) != (401, without.body)
    ]

    assert [] == still_open
    assert {without.headers["www-authenticate"]} == {a.headers["www-authenticate"] for a in answers.values()}


@pytest.mark.parametrize("lifetime", [LINK_SECONDS, 3600])
@pytest.mark.parametrize(("seconds", "status"), [(1, 200), (0, 401), (-(10**9), 401)])
async def test_a_link_expires(lifetime, seconds, status):
    """To the second; an expired one is refused as any other."""
    clock = ManualClock(CLOCK.now())
    clock.advance(lifetime - seconds)
    links = attrs.evolve(LINKS, clock=clock)

    assert status == (await get(LINKS.url(7, "", lifetime), links=links, clock=clock)).status


async def test_no_cache_outlives_a_link():
    """A browser keeps the image no longer than the link opens it, and nothing that a bad link named."""
    clock = ManualClock(CLOCK.now())
    clock.advance(1000)
    links = attrs.evolve(LINKS, clock=clock)
    answers = [await get(target, BEARER, links=links, clock=clock) for target in (LINK, f"{LINK}0", PATH)]

    assert [f"private, max-age={LINK_SECONDS - 1000}", "private, max-age=0", FOREVER] == [
        answer.headers["cache-control"] for answer in answers
    ]


async def test_pages_of_others_show_what_a_link_opens():
    """Embedded or fetched, since whoever has the link has the image; a bad link gets what none gets."""
    shown, refused = await get(LINK, *EMBEDDED), await get(f"{LINK}0", *EMBEDDED)

    assert (200, 403) == (shown.status, refused.status)
    assert "cross-origin" == shown.headers["cross-origin-resource-policy"]
    assert EVIL == shown.headers["access-control-allow-origin"]


async def test_a_link_opens_no_other_host():
    """A rebound name gets nothing, link or not."""
    assert 403 == (await get(LINK, ("Host", "evil.example"))).status


@pytest.mark.parametrize("locked", [False, True])
async def test_another_master_key_opens_nothing(locked):
    """Nor does a missing one; links are plain then."""
    links = attrs.evolve(LINKS, box=MemorySecretBox(locked=locked))

    assert 401 == (await get(LINK, links=links)).status
    assert locked == (links.url(7, "http://h") == f"http://h{PATH}")


async def test_without_a_token_links_are_plain():
    """And a signed one of earlier opens, as everything does."""
    links = attrs.evolve(LINKS, needs_token=False)

    assert f"https://h:1{PATH}" == links.url(7, "https://h:1")
    assert 200 == (await get(f"{LINK}0", links=links, rules=RULES)).status


def test_a_link_shows_no_key():
    """Nor does what makes it."""
    assert BOX.derive("imagegen signed links 1")[0].hex() not in f"{LINK} {LINKS!r}"
