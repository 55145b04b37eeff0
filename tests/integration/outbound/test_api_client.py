import asyncio
import contextlib
import gzip
import ssl

import httpx
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import map_transport_errors
from imagegen_adapters.outbound.transport import PoolLimits
from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, UpstreamNotAllowed, ValidationFailed
from tests.fakes.raw_server import RawServer, http_response

pytestmark = pytest.mark.anyio


def provider(api_base, *, timeout=30.0, **extra):
    return ProviderConfig(
        provider_name="fake",
        source=ConfigSource.FILE,
        api_base=api_base,
        timeout_seconds=timeout,
        extra_config=extra,
    )


async def failure_of(client, url, **options):
    with pytest.raises(CallError) as caught, map_transport_errors():
        await client.get(url, **options)
    return caught.value


async def test_the_host_header_stays_the_name(server, outbound):
    """The address replaces the name at socket level only, so the provider sees the configured name."""
    base = f"http://localhost:{server.port}/v1"
    await outbound.api_client(provider(base)).get(f"{base}/models")

    assert f"host: localhost:{server.port}\r\n" in server.heads[0].lower()


async def test_another_origin_is_never_called(server, outbound):
    """A provider's client refuses every other origin before connecting."""
    async with RawServer() as other:
        error = await failure_of(outbound.api_client(provider(server.url)), other.url)

        assert (FailureCode.PROVIDER_NOT_CONFIGURED, 0) == (error.failure.code, other.opened)


async def test_further_origins_can_be_vouched_for(server):
    """A provider with several hosts names them."""
    async with RawServer() as other:
        outbound = Outbound(allow_private={server.authority, other.authority})
        response = await outbound.api_client(provider(server.url), extra_origins=[f"{other.url}/x"]).get(
            other.url
        )
        await outbound.aclose()

        assert "hello" == response.text


async def test_a_private_address_that_is_not_listed_gets_no_connection(server):
    """The refusal comes before the connection."""
    outbound = Outbound()
    with pytest.raises(UpstreamNotAllowed):
        await outbound.api_client(provider(server.url)).get(server.url)

    assert 0 == server.opened


async def test_our_own_address_gets_no_connection(server, outbound):
    """A provider that is this very service is refused, although it is listed."""
    outbound.listens_on([("127.0.0.1", server.port)])
    with pytest.raises(UpstreamNotAllowed):
        await outbound.api_client(provider(server.url)).get(server.url)

    assert 0 == server.opened


async def test_redirects_of_an_api_are_not_followed(server, outbound):
    """A redirect is returned as the response."""
    server.responses["/v1"] = http_response("307 Temporary Redirect", Location="/elsewhere")
    response = await outbound.api_client(provider(server.url)).get(f"{server.url}/v1")

    assert (307, 1) == (response.status_code, len(server.heads))


async def test_proxies_of_the_environment_are_not_used(server, outbound, monkeypatch):
    """Only extra_config.proxy counts."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    response = await outbound.api_client(provider(server.url)).get(server.url)

    assert "hello" == response.text


async def test_the_providers_proxy_is_used(server, outbound):
    """The request goes to the proxy, with the absolute URL and the proxy's credentials."""
    config = provider("http://api.example.com/v1", proxy=f"http://user:pass@{server.authority}")
    await outbound.api_client(config).get("http://api.example.com/v1/models")

    head = server.heads[0]
    assert head.startswith("GET http://api.example.com/v1/models ")
    assert "proxy-authorization: basic dxnlcjpwyxnz" in head.lower()


@pytest.mark.parametrize("host", ["169.254.169.254", "2852039166", "127.0.0.1:9", "localhost:9"])
async def test_a_proxy_does_not_open_the_way_to_metadata(server, outbound, host):
    """Addresses in any spelling are checked before the request goes to the proxy."""
    config = provider(f"http://{host}", proxy=server.url)
    with pytest.raises(UpstreamNotAllowed):
        await outbound.api_client(config).get(f"http://{host}/")

    assert 0 == server.opened


async def test_a_private_proxy_has_to_be_listed(server):
    """The proxy's own address is checked like any other."""
    outbound = Outbound()
    config = provider("http://api.example.com", proxy=server.url)
    with pytest.raises(UpstreamNotAllowed):
        await outbound.api_client(config).get("http://api.example.com/")

    assert 0 == server.opened


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense", 7])
def test_a_proxy_that_cannot_be_used_is_refused_with_its_configuration(proxy):
    """The refusal does not repeat the proxy's URL, which may contain a password."""
    with pytest.raises(ValidationFailed, match=r"extra_config\.proxy") as refusal:
        provider("http://api.example.com", proxy=proxy)

    assert str(proxy) not in str(refusal.value)


async def test_a_gzip_body_is_decoded(server, outbound):
    """The only requested encoding is decoded."""
    server.responses["/gz"] = http_response(body=gzip.compress(b'{"a": 1}'), Content_Encoding="gzip")
    response = await outbound.api_client(provider(server.url)).get(f"{server.url}/gz")

    assert {"a": 1} == response.json()


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate"])
async def test_an_encoding_that_was_not_asked_for_is_a_bad_response(server, outbound, encoding):
    """Its body is not read."""
    server.responses["/x"] = http_response(body=b"?", Content_Encoding=encoding)
    error = await failure_of(outbound.api_client(provider(server.url)), f"{server.url}/x")

    assert FailureCode.BAD_RESPONSE == error.failure.code


async def test_a_gzip_bomb_is_a_bad_response(server, outbound):
    """It ends before it fills the memory."""
    server.responses["/bomb"] = http_response(
        body=gzip.compress(bytes(64 * 1024 * 1024)), Content_Encoding="gzip"
    )
    error = await failure_of(outbound.api_client(provider(server.url)), f"{server.url}/bomb")

    assert FailureCode.BAD_RESPONSE == error.failure.code


async def test_a_response_with_an_endless_header_is_cut_off(server, outbound):
    """More than 32 KiB of headers are refused."""
    server.responses["/h"] = http_response(body=b"", X_Long="x" * 40000)
    error = await failure_of(outbound.api_client(provider(server.url)), f"{server.url}/h")

    assert FailureCode.OUTCOME_UNKNOWN == error.failure.code


async def test_a_refused_connection_started_nothing(server, outbound):
    """Nothing listens there: the call may be sent again."""
    client = outbound.api_client(provider(server.url))
    server._server.close()
    error = await failure_of(client, server.url)

    assert (FailureCode.UNAVAILABLE, True) == (error.failure.code, error.not_started)
    assert "127.0.0.1 could not be connected to (connection refused)" == error.failure.message


async def test_a_name_that_does_not_exist_started_nothing(outbound):
    """A name without an address means that nothing was sent."""
    error = await failure_of(
        outbound.api_client(provider("http://no.such.invalid")), "http://no.such.invalid/"
    )

    assert (FailureCode.UNAVAILABLE, True) == (error.failure.code, error.not_started)
    assert "no.such.invalid could not be connected to (its name does not resolve)" == error.failure.message


async def test_an_untrusted_certificate_started_nothing(certificate):
    """Certificates are verified, and the error gives the reason."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with RawServer(ssl=context) as server:
        outbound = Outbound(allow_private={server.authority})
        base = f"https://localhost:{server.port}"
        error = await failure_of(outbound.api_client(provider(base)), base)

        assert (True, True, 0) == (error.not_started, "certificate" in str(error), len(server.heads))


async def test_a_server_without_tls_started_nothing():
    """It is reported as a TLS failure, not as a server that is down."""

    async def plain(_, writer):
        with contextlib.suppress(ConnectionError):
            writer.write(http_response())
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        outbound, base = Outbound(allow_private={f"127.0.0.1:{port}"}), f"https://127.0.0.1:{port}"
        error = await failure_of(outbound.api_client(provider(base)), base)
        await outbound.aclose()

    assert (True, True) == (error.not_started, "could not be connected to (TLS: " in error.failure.message)


async def test_the_certificate_is_compared_with_the_name(certificate):
    """A trusted certificate is accepted for its own name although the socket went to an address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with RawServer(ssl=context) as server:
        trusted = ssl.create_default_context(cafile=certificate)
        outbound = Outbound(allow_private={server.authority}, tls=trusted)
        named, bare = f"https://localhost:{server.port}", f"https://127.0.0.1:{server.port}"
        response = await outbound.api_client(provider(named)).get(named)
        error = await failure_of(outbound.api_client(provider(bare)), bare)
        await outbound.aclose()

        assert ("hello", True) == (response.text, "certificate" in str(error))


async def test_much_data_over_tls_arrives_whole(certificate):
    """More than is buffered makes the other side wait, in both directions."""
    body = bytes(range(256)) * 40_000
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def echo(reader, writer):
        with contextlib.suppress(ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(http_response(body=await reader.readexactly(len(body))))
            await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context) as listening:
        port = listening.sockets[0].getsockname()[1]
        trusted = ssl.create_default_context(cafile=certificate)
        outbound, base = (
            Outbound(allow_private={f"localhost:{port}"}, tls=trusted),
            f"https://localhost:{port}",
        )
        response = await outbound.api_client(provider(base)).post(base, content=body)
        await outbound.aclose()

    assert body == response.content


async def test_silence_after_the_request_is_a_timeout(server, outbound):
    """The provider received the request and may charge for it."""
    server.responses["/mute"] = lambda writer: asyncio.Event().wait()
    error = await failure_of(outbound.api_client(provider(server.url, timeout=3)), f"{server.url}/mute")

    assert (FailureCode.TIMEOUT, False) == (error.failure.code, error.not_started)


async def test_a_body_that_arrives_at_the_deadline_is_read_to_its_end(server, outbound):
    """It is paid for, and it began in time."""

    async def late(writer):
        whole = http_response(body=b"an image")
        writer.write(whole[:-4])
        await writer.drain()
        await asyncio.sleep(3.5)
        writer.write(whole[-4:])
        await writer.drain()

    server.responses["/late"] = late
    client = outbound.api_client(provider(server.url, timeout=3))
    url = f"{server.url}/late"

    assert b"an image" == (await client.get(url, timeout=httpx.Timeout(3, read=None))).content


async def test_a_body_that_trickles_ends_at_the_deadline(server, outbound, monkeypatch):
    """Each byte comes in time, but the whole does not."""
    monkeypatch.setattr("imagegen_adapters.outbound.transport.RESPONSE_GRACE_SECONDS", 0.1)

    async def trickle(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    server.responses["/drip"] = trickle
    error = await failure_of(outbound.api_client(provider(server.url, timeout=3)), f"{server.url}/drip")

    assert FailureCode.TIMEOUT == error.failure.code


async def test_a_cut_body_leaves_the_outcome_unknown(server, outbound):
    """A truncated response leaves the outcome unknown."""

    async def cut(writer):
        writer.write(http_response(body=b"half", length=8))
        await writer.drain()
        writer.transport.abort()

    server.responses["/cut"] = cut
    error = await failure_of(outbound.api_client(provider(server.url)), f"{server.url}/cut")

    assert FailureCode.OUTCOME_UNKNOWN == error.failure.code


async def test_a_body_that_closing_cuts_off_is_not_taken_for_a_whole_one(server, outbound):
    """Its length is unknown, so only the provider may end it."""

    async def without_end(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await writer.drain()
        await asyncio.Event().wait()

    server.responses["/endless"] = without_end
    async with outbound.api_client(provider(server.url)).stream("GET", f"{server.url}/endless") as response:
        chunks = response.aiter_bytes()
        first = await anext(chunks)
        await outbound.aclose()
        with pytest.raises(httpx.ReadError):
            await anext(chunks)

    assert b"half" == first


async def test_a_key_with_a_line_break_is_not_repeated(server, outbound):
    """h11's own message contains the header's value."""
    client = outbound.api_client(provider(server.url))
    error = await failure_of(client, server.url, headers={"Authorization": "Bearer sk-canary\r\nX: y"})

    assert (FailureCode.INTERNAL, False) == (error.failure.code, "canary" in str(error))


async def test_closing_a_client_leaves_the_connections_open(server, outbound):
    """Clients are handed out for one call; the pool is shared."""
    async with outbound.api_client(provider(server.url)) as client:
        await client.get(server.url)
    await outbound.api_client(provider(server.url)).get(server.url)

    assert 1 == server.opened


async def test_what_may_be_paid_for_has_a_connection_of_its_own(server, outbound):
    """An idle connection may be broken already; then the outcome would be unknown."""
    client = outbound.api_client(provider(server.url))
    opened = []
    for method in ("GET", "POST", "POST", "GET", "PUT"):
        await client.request(method, server.url)
        opened.append(server.opened)
    await server.until(lambda: server.open == 1)

    assert [1, 2, 3, 3, 4] == opened


async def test_there_are_never_more_calls_than_allowed(server):
    """Fifty at once have five connections, however many of them each pool has."""
    outbound = Outbound(allow_private={server.authority}, limits=PoolLimits(connections=5))
    client = outbound.api_client(provider(server.url))
    await asyncio.gather(*(client.request(method, server.url) for method in ("PUT", "POST") * 25))
    await outbound.aclose()

    assert (50, True) == (len(server.heads), server.most_open <= 5)


async def test_few_idle_connections_are_kept(server):
    """After a burst only the allowed number stays open."""
    limits = PoolLimits(connections=20, idle_connections=2)
    outbound = Outbound(allow_private={server.authority}, limits=limits)
    gate = asyncio.Event()

    async def late(writer):
        await gate.wait()
        writer.write(http_response(body=b"x"))

    server.responses["/late"] = late
    client = outbound.api_client(provider(server.url))
    calls = [asyncio.create_task(client.get(f"{server.url}/late")) for _ in range(8)]
    await server.until(lambda: len(server.heads) == 8)
    gate.set()
    await asyncio.gather(*calls)
    await server.until(lambda: server.open <= 2)
    opened = server.opened
    await client.get(server.url)

    assert (8, 8) == (opened, server.opened)
    await outbound.aclose()


async def test_an_idle_connection_serves_no_call_after_a_while(server):
    """The server may have forgotten it; the next call closes it and opens another."""
    outbound = Outbound(allow_private={server.authority}, limits=PoolLimits(idle_seconds=0))
    client = outbound.api_client(provider(server.url))
    for _ in range(2):
        await client.get(server.url)
    await server.until(lambda: server.open == 1)

    assert 2 == server.opened
    await outbound.aclose()


async def test_waiting_for_a_connection_in_vain_started_nothing(server):
    """All connections stay busy for longer than the caller waits."""
    outbound = Outbound(allow_private={server.authority}, limits=PoolLimits(connections=1))
    server.responses["/mute"] = lambda writer: asyncio.Event().wait()
    client = outbound.api_client(provider(server.url))
    busy = asyncio.create_task(client.get(f"{server.url}/mute"))
    await server.until(lambda: server.heads)
    error = await failure_of(client, server.url, timeout=httpx.Timeout(10, pool=0.05))
    busy.cancel()
    await asyncio.gather(busy, return_exceptions=True)
    await outbound.aclose()

    assert (FailureCode.UNAVAILABLE, True) == (error.failure.code, error.not_started)


async def test_a_cancelled_call_gives_its_connection_back(server):
    """The next call gets through a pool of one."""
    outbound = Outbound(allow_private={server.authority}, limits=PoolLimits(connections=1))
    server.responses["/mute"] = lambda writer: asyncio.Event().wait()
    client = outbound.api_client(provider(server.url))
    for _ in range(3):
        call = asyncio.create_task(client.get(f"{server.url}/mute"))
        heads = len(server.heads)
        await server.until(lambda heads=heads: len(server.heads) > heads)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    response = await client.get(server.url)
    await outbound.aclose()

    assert "hello" == response.text


async def test_a_call_leaves_no_connection_wherever_it_is_cancelled(server, outbound):
    """Also between connecting and sending, where the pool takes the connection for one that is in use."""
    client = outbound.api_client(provider(server.url))
    for number in range(400):
        call = asyncio.create_task(client.post(server.url))
        for _ in range(number % 40):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])

    await client.post(server.url)
    await server.until(lambda: not server.open)


async def test_a_call_leaves_nothing_in_the_pool_if_it_is_cancelled_while_it_closes(server, outbound):
    """Its connection closes in the middle of a body, at which the call is cancelled."""

    async def endless(writer):
        writer.write(http_response(length=10_000_000))
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(64 * 1024))
                await writer.drain()

    server.responses["/endless"] = endless
    client = outbound.api_client(provider(server.url))

    async def read_a_little():
        async with client.stream("GET", f"{server.url}/endless") as response:
            await anext(response.aiter_raw())

    for number in range(400):
        call = asyncio.create_task(read_a_little())
        for _ in range(number % 40):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    await server.until(lambda: not server.open)
    (transport,) = outbound._transports.values()

    assert "Requests: 0 active, 0 queued | Connections: 0 active, 0 idle" in repr(transport._pool)
