"""A bucket behind TLS: by the CAs that the system or SSL_CERT_FILE names, and never in plain text."""

import asyncio
import contextlib
import itertools
import ssl

import attrs
import pytest

from imagegen_adapters.archives.s3 import S3BlobArchive
from imagegen_adapters.outbound.addresses import AddressGate
from imagegen_core.errors import StorageUnreachable
from tests.contracts.samples import read, stream
from tests.fakes import s3_servers
from tests.fakes.certificate import write_certificate
from tests.fakes.faulty_proxy import FaultyProxy
from tests.fakes.raw_server import http_response
from tests.integration.test_s3_blob_archive import settings_of

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def bucket():
    with s3_servers.localbucket() as port:
        yield port


@pytest.fixture
def trusted(monkeypatch):
    """Return what makes this process trust the CAs of a file, and no others."""
    return lambda path: monkeypatch.setenv("SSL_CERT_FILE", str(path))


@pytest.fixture
def start(bucket, tmp_path):
    """Return what starts a bucket behind TLS, with a certificate of its own CA."""
    with contextlib.ExitStack() as stack:
        numbers = itertools.count()

        def begin(**certificate):
            path = tmp_path / f"server{next(numbers)}.pem"
            write_certificate(path, **certificate)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(path)
            return stack.enter_context(FaultyProxy(bucket, tls=context)), path

        yield begin


@pytest.fixture
async def open_archive():
    archives = []

    def make(proxy):
        gate = AddressGate(allow_private={f"localhost:{proxy.port}"})
        archives.append(S3BlobArchive(settings_of(proxy), gate=gate))
        return archives[-1]

    yield make
    for archive in archives:
        await archive.aclose()


async def refusal(archive):
    """Return why nothing could be sent."""
    with pytest.raises(StorageUnreachable) as caught:
        await archive.put("a.png", stream([b"bytes"]), content_type="image/png")
    return str(caught.value)


async def test_a_private_ca_is_trusted_where_the_operator_says_so(start, trusted, open_archive):
    """Up and down, in one piece and in parts."""
    proxy, path = start()
    trusted(path)
    archive = open_archive(proxy)
    content = bytes(range(256)) * 40_000
    for data in (b"bytes", content):
        await archive.put("a.png", stream([data]), content_type="image/png")
        assert data == await read(archive, "a.png")

    assert {"PUT", "POST", "GET"} <= set(proxy.methods())


@pytest.mark.parametrize(
    ("certificate", "reason"),
    [
        ({"host": "another.example"}, "the endpoint's certificate is for another host name"),
        ({"days": (-9, -2)}, "the endpoint's certificate has expired, or is not valid yet"),
        ({"days": (2, 9)}, "the endpoint's certificate has expired, or is not valid yet"),
    ],
)
async def test_a_certificate_that_is_not_valid_is_refused(start, trusted, open_archive, certificate, reason):
    """Although its CA is trusted; no request reaches the server."""
    proxy, path = start(**certificate)
    trusted(path)

    assert (f"S3: {reason}", []) == (await refusal(open_archive(proxy)), proxy.methods())


async def test_another_ca_is_not_trusted(start, trusted, open_archive):
    """Although it has the same name; no request reaches the server."""
    proxy, _ = start()
    _, path_of_other = start()
    trusted(path_of_other)
    reason = await refusal(open_archive(proxy))

    assert ("S3: no CA that this machine trusts has signed the endpoint's certificate", []) == (
        reason,
        proxy.methods(),
    )


async def test_the_cas_of_the_public_are_not_enough(start, open_archive):
    """Without a word of the operator a private CA is nobody."""
    proxy, _ = start()

    assert "no CA that this machine trusts" in await refusal(open_archive(proxy))


async def test_what_speaks_no_tls_gets_nothing(open_archive):
    """Not a byte of a request in plain text, nor of a signature: only greetings of TLS."""
    received = []

    async def serve(reader, writer):
        received.append(await reader.read(65536))
        writer.write(http_response("400 Bad Request"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        archive = open_archive(
            attrs.make_class("Plain", ["port", "endpoint"])(port, f"https://localhost:{port}")
        )
        reason = await refusal(archive)

    assert "S3: the endpoint does not speak TLS" == reason
    assert received
    assert not [
        greeting for greeting in received if not greeting.startswith(b"\x16\x03") or b"HTTP" in greeting
    ]
