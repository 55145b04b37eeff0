import asyncio
import contextlib
import gzip
import ssl

import pytest

from imagegen_adapters.outbound.client import Download, Outbound
from imagegen_adapters.outbound.transport import parse_url
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from tests.fakes.raw_server import RawServer, http_response

pytestmark = pytest.mark.anyio


def provider(api_base):
    return ProviderConfig(provider_name="fake", source=ConfigSource.FILE, api_base=api_base)


async def body_of(outbound, server, path, **options):
    url = f"{server.url}{path}" if path.startswith("/") and not path.startswith("//") else path
    arguments = {"max_bytes": 1000, "timeout": 60, "config": provider(f"{server.url}/v1"), **options}
    async with contextlib.aclosing(outbound.download(url, **arguments)) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def failure_of(outbound, server, path, **options):
    with pytest.raises(CallError) as caught:
        await body_of(outbound, server, path, **options)
    assert not caught.value.not_started
    return caught.value.failure


async def test_the_providers_own_listed_host_is_downloaded_from(server, outbound):
    """A provider on this machine may serve its own images."""
    assert b"hello" == await body_of(outbound, server, "/x.png")


async def test_a_local_provider_may_call_itself_localhost(server, outbound):
    """The names of loopback are one host."""
    assert b"hello" == await body_of(outbound, server, f"http://localhost:{server.port}/x.png")


async def test_another_listed_provider_is_not_downloaded_from(server, outbound):
    """The list allows a provider's own images, not those of its neighbours."""
    failure = await failure_of(
        outbound, server, "/x.png", config=provider(f"http://api.example.com:{server.port}")
    )

    assert (FailureCode.DOWNLOAD_FAILED, 0) == (failure.code, server.opened)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/x",
        "data:image/png;base64,AAAA",
        "//example.com/x",
        "http://",
        "http://user:pass@93.184.216.34/x",
        "http://user@93.184.216.34/x",
        "http://93.184.216.34:22/x",
        "http://93.184.216.34:8080/x",
        "https://93.184.216.34:6379/",
        "http://[::1",
        "http://a\nb/",
        "http://example.com/" + "x" * 9000,
        "",
    ],
)
async def test_an_address_that_no_image_is_behind_is_refused(server, outbound, url):
    """Scheme, port, credentials and form are checked before the name is resolved."""
    assert FailureCode.DOWNLOAD_FAILED == (await failure_of(outbound, server, url)).code


@pytest.mark.parametrize("status", [401, 403, 404, 410, 429, 500, 503, 204, 304])
async def test_anything_but_200_is_a_failed_download(server, outbound, status):
    """The error has the status, and the call may have cost money."""
    server.responses["/x"] = http_response(f"{status} X")
    failure = await failure_of(outbound, server, "/x")

    assert (FailureCode.DOWNLOAD_FAILED, status, True) == (
        failure.code,
        failure.upstream_status,
        failure.possible_charge,
    )


async def test_three_redirects_are_followed(server, outbound):
    """Relative and absolute redirects are followed."""
    server.responses |= {
        "/1": http_response("302 Found", Location="/2"),
        "/2": http_response("301 Moved", Location=f"{server.url}/3"),
        "/3": http_response("307 Temporary Redirect", Location="x.png"),
    }

    assert b"hello" == await body_of(outbound, server, "/1")


async def test_a_fourth_redirect_is_too_many(server, outbound):
    """A redirect loop ends."""
    server.responses["/loop"] = http_response("302 Found", Location="/loop")
    failure = await failure_of(outbound, server, "/loop")

    assert (FailureCode.DOWNLOAD_FAILED, 4) == (failure.code, len(server.heads))


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f.1:PORT/",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1:PORT/",
        "http://127.0.0.1:22/",
        "",
        "http://[::1",
    ],
)
async def test_a_redirect_to_a_forbidden_place_is_not_followed(server, outbound, target):
    """Every hop is checked like the first URL."""
    server.responses["/r"] = http_response("302 Found", Location=target.replace("PORT", str(server.port)))
    failure = await failure_of(outbound, server, "/r")

    assert (FailureCode.DOWNLOAD_FAILED, 1) == (failure.code, len(server.heads))


async def test_a_redirect_from_https_to_http_is_not_followed(certificate):
    """A download over https stays on https."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with RawServer(ssl=context) as server:
        server.responses["/r"] = http_response("302 Found", Location=f"http://localhost:{server.port}/x")
        outbound = Outbound(
            allow_private={server.authority}, tls=ssl.create_default_context(cafile=certificate)
        )
        base = f"https://localhost:{server.port}"
        failure = await failure_of(outbound, server, f"{base}/r", config=provider(base))
        await outbound.aclose()

        assert (True, 1) == ("https to http" in failure.message, len(server.heads))


async def test_headers_go_to_the_providers_own_origin_only(server, outbound):
    """A key for a download is not sent to the target of a redirect."""
    server.responses["/r"] = http_response("302 Found", Location=f"http://localhost:{server.port}/x")
    await body_of(outbound, server, "/r", headers={"Authorization": "Bearer sk-canary"})

    assert [True, False] == ["canary" in head for head in server.heads]


async def test_cookies_are_not_kept_between_hops(server, outbound):
    """A cookie set by a redirect is not sent back."""
    server.responses["/r"] = http_response("302 Found", Location="/x", Set_Cookie="a=b")
    await body_of(outbound, server, "/r")

    assert not any("cookie:" in head.lower() for head in server.heads)


async def test_too_many_bytes_end_the_download(server, outbound):
    """It holds for any framing of the body."""

    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(bytes(65536))
            await writer.drain()

    server.responses["/big"] = endless
    assert FailureCode.INVALID_IMAGE == (await failure_of(outbound, server, "/big", max_bytes=200_000)).code


async def test_an_announced_size_that_is_too_large_is_not_read(server, outbound):
    """The Content-Length suffices."""
    server.responses["/big"] = http_response(body=b"x", length=10**12)
    assert FailureCode.INVALID_IMAGE == (await failure_of(outbound, server, "/big")).code


async def test_as_many_bytes_as_allowed_are_fine(server, outbound):
    """The limit is inclusive."""
    server.responses["/x"] = http_response(body=b"x" * 1000)
    assert 1000 == len(await body_of(outbound, server, "/x", max_bytes=1000))


async def test_a_gzip_bomb_counts_by_what_it_becomes(server, outbound):
    """An unrequested compressed body is limited, too."""
    server.responses["/bomb"] = http_response(body=gzip.compress(bytes(10**7)), Content_Encoding="gzip")
    assert FailureCode.INVALID_IMAGE == (await failure_of(outbound, server, "/bomb", max_bytes=100_000)).code


async def test_a_body_shorter_than_announced_is_a_failed_download(server, outbound):
    """A truncated image is a failed download."""

    async def short(writer):
        writer.write(http_response(body=b"half", length=8))
        await writer.drain()
        writer.transport.abort()

    server.responses["/short"] = short
    assert FailureCode.DOWNLOAD_FAILED == (await failure_of(outbound, server, "/short")).code


async def test_a_download_that_trickles_ends_at_its_deadline(server, outbound):
    """A trickle of bytes does not occupy a worker."""

    async def trickle(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    server.responses["/drip"] = trickle
    assert FailureCode.DOWNLOAD_FAILED == (await failure_of(outbound, server, "/drip", timeout=1)).code


async def test_a_download_below_the_least_speed_ends_before_its_deadline(server, outbound):
    """Below the minimum speed the download is given up, although each byte comes in time."""

    async def trickle(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    server.responses["/drip"] = trickle
    download = Download(
        base=parse_url(server.url),
        trusted_origins=frozenset(),
        headers={},
        max_bytes=1000,
        seconds=60,
        transport=lambda public_only: outbound._transport(None, public_only=public_only),
        window_seconds=2,
        min_bytes=2_000_000,
    )
    with pytest.raises(CallError, match="too slow"):
        _ = [chunk async for chunk in download.chunks(f"{server.url}/drip")]


async def test_silence_is_a_failed_download(server, outbound):
    """It is not a time-out of the paid call, which is over."""
    server.responses["/mute"] = lambda writer: asyncio.Event().wait()
    assert FailureCode.DOWNLOAD_FAILED == (await failure_of(outbound, server, "/mute", timeout=1)).code


async def test_a_download_that_is_given_up_frees_its_connection(server, outbound):
    """Closing the iterator closes the connection."""
    server.responses["/long"] = http_response(body=bytes(900_000))
    async with contextlib.aclosing(
        outbound.download(f"{server.url}/long", config=provider(server.url), max_bytes=10**6, timeout=60)
    ) as chunks:
        await anext(chunks)

    await server.until(lambda: server.open == 0)


async def test_the_message_holds_no_query(server, outbound):
    """A signed URL is a temporary credential."""
    server.responses["/x?sig=canary"] = http_response("403 Forbidden")
    failure = await failure_of(outbound, server, "/x?sig=canary")

    assert "canary" not in failure.message
