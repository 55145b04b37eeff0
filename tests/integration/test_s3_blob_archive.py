"""The S3 blob archive fulfils the contract of its port, on servers that others wrote and on a bad network."""

import asyncio
import hashlib
import itertools
import urllib.request
from ipaddress import ip_address

import attrs
import pytest

from imagegen_adapters.archives.s3 import S3BlobArchive, S3Etag, S3Settings
from imagegen_adapters.memory import MemoryBlobStore
from imagegen_adapters.outbound.addresses import AddressGate, NameLookups
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable
from imagegen_core.secrets import Secret
from tests.contracts.samples import keys_of, read, stream
from tests.fakes import s3_servers
from tests.fakes.faulty_proxy import FaultyProxy
from tests.fakes.raw_server import RawServer
from tests.integration.api.asking import until

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024
_numbers = itertools.count()


def settings_of(proxy, **more):
    """Return settings for a server behind the proxy, with a prefix of its own and ample time-outs."""
    return S3Settings(
        **{
            "endpoint": proxy.endpoint,
            "region": "us-east-1",
            "bucket": s3_servers.BUCKET,
            "access_key_id": s3_servers.KEY_ID,
            "access_key_secret": Secret(s3_servers.SECRET),
            "prefix": f"team/{next(_numbers)}",
            "connect_timeout": 60,
            "idle_timeout": 60,
            **more,
        }
    )


@pytest.fixture(scope="module")
def moto():
    with s3_servers.moto() as port:
        yield port


@pytest.fixture(scope="module")
def localbucket():
    with s3_servers.localbucket() as port:
        yield port


@pytest.fixture(scope="module")
def nanio():
    with s3_servers.nanio() as port:
        yield port


@pytest.fixture
def proxy(moto):
    with FaultyProxy(moto) as proxy:
        yield proxy


@pytest.fixture
async def open_archive():
    """Return what makes archives, each of which is closed at the end, also after a failure."""
    archives = []

    def make(settings, **more):
        archives.append(S3BlobArchive(settings, **more))
        return archives[-1]

    yield make
    for archive in archives:
        await archive.aclose()


@pytest.fixture
async def store(proxy, open_archive):
    return open_archive(settings_of(proxy))


def at_loopback(_host, _port):
    return (ip_address("127.0.0.1"),)


def bytes_of(length):
    return hashlib.shake_128(str(length).encode()).digest(length)


def etag_of(data):
    etag = S3Etag()
    etag.update(data)
    return etag.text


async def put(store, key, data):
    return await store.put(key, stream([data]), content_type="image/png")


async def test_a_put_is_one_request_with_its_content_type(store, proxy):
    """Nothing is asked before, and S3's ETag proves that the bytes are there."""
    blob = await put(store, "images/7.png", b"123456789")

    assert ["PUT"] == proxy.methods()
    assert "image/png" == proxy.ledger[0].headers["content-type"]
    assert "25f9e794323b453885f5181f1b624d0b" == blob.archive_checksum


@pytest.mark.parametrize("size", [6, 12 * MIB])
async def test_an_svg_is_an_attachment(store, proxy, size):
    """No browser shows it as a page of the bucket, also where it is sent in parts."""
    await store.put("a.svg", stream([bytes(size)]), content_type="image/svg+xml")

    headers = (await store._head("a.svg")).headers
    assert ("image/svg+xml", "attachment") == (headers["content-type"], headers["content-disposition"])


async def test_a_large_blob_is_sent_in_parts(store, proxy):
    """No part is read back: the ETag of the whole is that of our parts."""
    data = bytes_of(17 * MIB)

    blob = await store.copy_from(
        MemoryBlobStore({"a.png": data}), "a.png", size_bytes=len(data), content_type="image/png"
    )

    assert ["POST", "PUT", "PUT", "PUT", "POST"] == proxy.methods()
    assert etag_of(data) == blob.archive_checksum


async def test_an_etag_of_another_kind_is_answered_by_reading_back(store, proxy):
    """A server that encrypts computes its ETags otherwise; then only the bytes prove that they are there."""
    await put(store, "a.png", b"bytes")
    proxy.ledger.clear()
    proxy.answer("PUT", 200, headers={"ETag": _OTHER_ETAG})

    blob = await put(store, "a.png", b"bytes")

    assert ["PUT", "GET"] == proxy.methods()
    assert _OTHER_ETAG.strip('"') == blob.archive_checksum


_OTHER_ETAG = '"0123456789abcdef0123456789abcdef"'


@pytest.mark.parametrize("stored", [b"other", None])
async def test_other_bytes_than_those_sent_are_removed(store, proxy, stored):
    """What is read back differs, or is not there, so the object must not be taken for the image."""
    if stored is not None:
        await put(store, "a.png", stored)
    proxy.answer("PUT", 200, headers={"ETag": _OTHER_ETAG})

    with pytest.raises(StorageError, match="read back"):
        await put(store, "a.png", b"bytes")

    assert await store.stat("a.png") is None


async def test_it_matches_by_reading_back_where_the_etag_says_nothing(store, proxy):
    """Before a local file is removed, the archive must have its bytes, whatever its ETag is."""
    await put(store, "a.png", b"bytes")
    for _ in range(2):
        proxy.answer("HEAD", 200, headers={"ETag": '"x"', "Content-Length": "5", **_DATED})

    same = await store.matches(MemoryBlobStore({"a.png": b"bytes"}), "a.png")
    other = await store.matches(MemoryBlobStore({"a.png": b"bytez"}), "a.png")

    assert (True, False) == (same, other)


_DATED = {"Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}


async def test_other_tenants_of_the_bucket_are_not_seen(proxy, open_archive):
    """Only keys below the prefix are listed, page by page."""
    settings = settings_of(proxy)
    store, other = open_archive(settings), open_archive(settings_of(proxy, prefix=f"{settings.prefix[:-1]}x"))
    await put(other, "1.png", b"x")
    names = [f"{number}.png" for number in range(1001)]
    for name in (*names, "NotAKey"):
        _put_object(proxy.upstream, f"{settings.prefix}{name}")

    listed = await keys_of(store)

    assert sorted(names) == sorted(listed)


def _put_object(port, name):
    url = f"http://127.0.0.1:{port}/{s3_servers.BUCKET}/{name}"
    urllib.request.urlopen(urllib.request.Request(url, data=b"x", method="PUT")).close()


async def test_a_cancelled_upload_leaves_no_parts(store, proxy):
    """They would be paid for without ever being seen."""
    waiting = asyncio.Event()

    async def endless():
        yield bytes_of(9 * MIB)
        waiting.set()
        await asyncio.Event().wait()

    putting = asyncio.create_task(store.put("half.png", endless(), content_type="image/png"))
    await waiting.wait()
    await asyncio.to_thread(until, proxy.methods, lambda methods: "PUT" in methods)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting

    assert "DELETE" == proxy.methods()[-1]
    assert [] == _unfinished_uploads(proxy.upstream)


def _unfinished_uploads(port):
    url = f"http://127.0.0.1:{port}/{s3_servers.BUCKET}?uploads"
    with urllib.request.urlopen(url) as response:
        return response.read().decode().split("<Upload>")[1:]


@pytest.mark.parametrize("failing", ["PUT", "POST"])
async def test_parts_that_cannot_be_sent_are_removed(store, proxy, failing):
    """The upload fails as soon as one of them does, and nothing remains."""
    data = bytes_of(9 * MIB)
    source = MemoryBlobStore({"a.png": data})
    proxy.answer(failing, 403, "AccessDenied")

    with pytest.raises(StorageError, match="AccessDenied"):
        await store.copy_from(source, "a.png", size_bytes=len(data), content_type="image/png")

    assert [] == _unfinished_uploads(proxy.upstream)
    assert await store.stat("a.png") is None


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (403, "SignatureDoesNotMatch", StorageError, "secret is wrong"),
        (403, "InvalidAccessKeyId", StorageError, "access key"),
        (403, "AccessDenied", StorageError, "no right"),
        (400, "ExpiredToken", StorageError, "token"),
        (403, "RequestTimeTooSkewed", StorageError, "clock"),
        (404, "NoSuchBucket", StorageError, "no such bucket"),
        (301, "PermanentRedirect", StorageError, "region"),
        (503, "SlowDown", StorageUnreachable, "too many requests"),
        (500, "InternalError", StorageUnreachable, "server failed"),
        (429, "", StorageUnreachable, "too many requests"),
        (502, "", StorageUnreachable, "502"),
        (418, "WhateverSECRET", StorageError, "418"),
    ],
)
@pytest.mark.parametrize("act", ["put", "open", "stat", "delete", "keys"])
async def test_refusals_are_told_apart(proxy, store, act, status, code, kind, words):
    """Each says what to do, quotes nothing of what the server wrote, and does not affect the next request."""
    acts = {
        "put": lambda: put(store, "a.png", b"new"),
        "open": lambda: read(store, "a.png"),
        "stat": lambda: store.stat("a.png"),
        "delete": lambda: store.delete("a.png"),
        "keys": lambda: keys_of(store),
    }
    proxy.fail_all(status, code)

    with pytest.raises(kind, match=words) as caught:
        await acts[act]()
    proxy.faults.clear()
    await put(store, "a.png", b"old")
    await acts[act]()

    assert kind is type(caught.value)
    assert not any(word in str(caught.value) for word in ("a secret", "http", "WhateverSECRET"))


async def test_a_short_failure_is_retried(store, proxy):
    """S3 answers 503 now and then; a caller does not notice."""
    await put(store, "a.png", b"bytes")
    proxy.answer("GET", 503, "SlowDown", times=2)

    assert b"bytes" == await read(store, "a.png")


async def test_retries_are_bounded(store, proxy):
    """A bucket that fails is asked three times, and its outbox again later."""
    proxy.answer("HEAD", 503, times=9)

    with pytest.raises(StorageUnreachable):
        await store.stat("a.png")

    assert ["HEAD"] * 3 == proxy.methods()


async def test_a_missing_blob_of_a_known_bucket_is_one_request(store, proxy):
    """Only the first time it is asked whether the bucket is missing."""
    first = await store.stat("a.png")
    proxy.ledger.clear()

    second = await store.stat("b.png")

    assert (None, None, ["HEAD"]) == (first, second, proxy.methods())


async def test_a_missing_bucket_is_not_a_missing_blob(proxy, open_archive):
    """A wrong name must not look as if images were lost."""
    store = open_archive(settings_of(proxy, bucket="another-bucket"))

    for act in (lambda: store.stat("a.png"), lambda: read(store, "a.png"), lambda: put(store, "a.png", b"x")):
        with pytest.raises(StorageError, match="no such bucket"):
            await act()


@pytest.mark.parametrize("fault", ["reset", "stall"])
@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD"])
async def test_no_answer_is_unreachable(proxy, fault, method, open_archive):
    """A caller waits no longer than the time-out, and nothing looks missing."""
    settings = settings_of(proxy)
    await put(open_archive(settings), "a.png", b"old")
    store = open_archive(attrs.evolve(settings, idle_timeout=0.3))
    acts = {
        "PUT": lambda: put(store, "a.png", b"new"),
        "GET": lambda: read(store, "a.png"),
        "HEAD": lambda: store.stat("a.png"),
    }
    proxy.fail(fault, method, times=9)

    with pytest.raises(StorageUnreachable):
        await acts[method]()
    proxy.released.set()


async def test_a_download_that_is_cut_goes_on_where_it_ended(store, proxy):
    """The rest is asked for, and the bytes are those of one object."""
    data = bytes_of(3 * MIB)
    await put(store, "a.png", data)
    proxy.fail("truncate", "GET")

    assert data == await read(store, "a.png")


async def test_a_download_that_stays_cut_is_unreachable(store, proxy):
    """A part of an object never looks like the whole."""
    await put(store, "a.png", bytes_of(MIB))
    proxy.fail("truncate", "GET", times=20)

    with pytest.raises(StorageUnreachable):
        await read(store, "a.png")


async def test_a_redirect_is_not_followed(proxy, store, moto):
    """The credentials go to the endpoint and nowhere else."""
    with FaultyProxy(moto) as other:
        proxy.answer("GET", 307, headers={"Location": f"{other.endpoint}/{s3_servers.BUCKET}/a.png"})

        with pytest.raises(StorageError):
            await read(store, "a.png")

        assert [] == other.ledger


async def test_the_environment_is_ignored(proxy, monkeypatch, open_archive):
    """Neither proxies nor another endpoint, token or key apply to our requests."""
    for name, value in {
        "HTTP_PROXY": "http://127.0.0.1:1",
        "NO_PROXY": "*",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "of another",
        "AWS_SESSION_TOKEN": "of another",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
        "AWS_PROXY_URL": "http://127.0.0.1:1",
        "AWS_ALLOW_HTTP": "false",
    }.items():
        monkeypatch.setenv(name, value)
    store = open_archive(settings_of(proxy))

    await put(store, "a.png", b"bytes")

    headers = proxy.ledger[0].headers
    assert s3_servers.KEY_ID in headers["authorization"]
    assert "x-amz-security-token" not in headers
    assert "proxy-authorization" not in headers


async def test_a_session_token_is_sent(proxy, open_archive):
    """Temporary keys need it."""
    store = open_archive(settings_of(proxy, session_token=Secret("sts-token")))

    await put(store, "a.png", b"bytes")

    assert "sts-token" == proxy.ledger[0].headers["x-amz-security-token"]


async def test_a_bucket_may_be_part_of_the_host(proxy, open_archive):
    """Some providers know no other way."""
    settings = settings_of(proxy, endpoint=f"http://localhost:{proxy.port}", is_virtual_hosted=True)
    gate, lookups = AddressGate([f"127.0.0.1:{proxy.port}"]), NameLookups(1, query=at_loopback)
    store = open_archive(settings, gate=gate, lookups=lookups)

    proxy.answer("PUT", 200, headers={"ETag": f'"{etag_of(b"bytes")}"'})

    await put(store, "a.png", b"bytes")

    request = proxy.ledger[0]
    assert f"{s3_servers.BUCKET}.localhost:{proxy.port}" == request.headers["host"]
    assert f"/{settings.prefix}a.png" == request.path


async def test_a_private_endpoint_must_be_allowed(proxy, open_archive):
    """Addresses are checked when connecting."""
    store = open_archive(settings_of(proxy), gate=AddressGate())

    with pytest.raises(StorageError, match="loopback"):
        await store.stat("a.png")

    assert [] == proxy.ledger


async def test_an_allowed_endpoint_is_reached_at_the_checked_address(proxy, open_archive):
    """The connection goes to the checked address; the Host header still holds the name."""
    checked = []

    def look_up(host, port):
        checked.append((host, port))
        return at_loopback(host, port)

    store = open_archive(
        settings_of(proxy, endpoint=f"http://localhost:{proxy.port}"),
        gate=AddressGate([f"127.0.0.1:{proxy.port}"]),
        lookups=NameLookups(1, query=look_up),
    )
    await put(store, "a.png", b"bytes")

    assert [("localhost", proxy.port)] == checked
    assert f"localhost:{proxy.port}" == proxy.ledger[0].headers["host"]


async def test_a_name_that_does_not_resolve_is_unreachable(proxy, open_archive):
    """It may resolve later."""
    settings = settings_of(proxy, endpoint="http://s3.invalid")
    store = open_archive(settings, gate=AddressGate())

    with pytest.raises(StorageUnreachable):
        await store.stat("a.png")


async def test_an_abandoned_reader_does_not_block_the_next(store):
    """Its connection is dropped."""
    data = bytes_of(2 * MIB)
    await put(store, "a.png", data)
    for _ in range(20):
        reading = store.open("a.png")
        await anext(reading)
        await reading.aclose()

    assert data == await read(store, "a.png")


async def test_closing_does_not_wait_for_a_response(proxy, open_archive):
    """An unresponsive bucket does not delay a shutdown."""
    store = open_archive(settings_of(proxy, idle_timeout=3600))
    proxy.fail("stall", "PUT")
    proxy.fail("stall", "HEAD")
    requests = [asyncio.create_task(put(store, "a.png", b"x")), asyncio.create_task(store.stat("b.png"))]
    await asyncio.to_thread(until, lambda: proxy.faults, lambda faults: not faults)

    await store.aclose()
    errors = await asyncio.gather(*requests, return_exceptions=True)

    assert [StorageUnreachable] * 2 == [type(error) for error in errors]


async def test_a_wrong_secret_is_refused_by_a_server_that_checks(nanio, open_archive):
    """The signature is right, as the right secret shows."""
    with FaultyProxy(nanio) as proxy:
        right = open_archive(settings_of(proxy))
        wrong = open_archive(settings_of(proxy, access_key_secret=Secret("another")))
        unknown = open_archive(settings_of(proxy, access_key_id="AKNOBODY"))
        await put(right, "a.png", bytes_of(9 * MIB))

        for store, code in ((wrong, "SignatureDoesNotMatch"), (unknown, "InvalidAccessKeyId")):
            with pytest.raises(StorageError, match=code):
                await store.stat("a.png")

        assert bytes_of(9 * MIB) == await read(right, "a.png")


@pytest.mark.parametrize("server", ["moto", "localbucket", "nanio"])
async def test_a_prefix_has_one_owner(request, server, open_archive):
    """Another installation is refused, and the first one may come back; nanio replaces what it should not."""
    with FaultyProxy(request.getfixturevalue(server)) as proxy:
        settings = settings_of(proxy)
        first, second = open_archive(settings), open_archive(settings)
        await first.prefix.take("one")

        with pytest.raises(StorageError, match=r"belongs to another installation \(one\)"):
            await second.prefix.take("two")
        await first.prefix.take("one")

        assert [] == await keys_of(first)


async def test_an_owner_that_arrives_in_two_pieces_is_one_name(open_archive):
    """Where the network cuts it says nothing about whose the prefix is."""

    async def send_slowly(writer):
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 12\r\n\r\nthe-')
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"long-one")

    async with RawServer({"/pictures/a/IMAGEGEN-OWNER": send_slowly}) as server:
        settings = attrs.evolve(
            settings_of(FaultyProxy(server.port)), endpoint=server.url, bucket="pictures", prefix="a"
        )
        store = open_archive(settings)

        await store.prefix.take("the-long-one")


async def test_of_two_that_begin_together_one_gets_the_prefix(proxy, open_archive):
    """Both find no owner; the server lets one create the object."""
    settings = settings_of(proxy)
    stores = [open_archive(settings), open_archive(settings)]

    results = await asyncio.gather(
        *(store.prefix.take(str(number)) for number, store in enumerate(stores)), return_exceptions=True
    )

    assert 1 == sum(isinstance(result, StorageError) for result in results)


async def test_an_owner_is_left_where_nothing_can_be_created_conditionally(proxy, open_archive):
    """Then it is written and read back."""
    store = open_archive(settings_of(proxy))
    proxy.answer("PUT", 501, "NotImplemented")

    await store.prefix.take("one")
    await store.prefix.take("one")

    with pytest.raises(StorageError, match="another installation"):
        await store.prefix.take("two")


async def test_a_missing_blob_is_named_by_its_key(store):
    """Not by the object that has the prefix too."""
    with pytest.raises(BlobMissing) as caught:
        await read(store, "a/none.png")

    assert "a/none.png" == caught.value.key


def owner(name):
    """Return what tells the id of an installation."""

    async def installation_id():
        return name

    return installation_id


async def test_nothing_is_done_where_another_installation_is(proxy, open_archive):
    """Neither read nor written, until that one's mark is gone."""
    settings = settings_of(proxy)
    first, second = open_archive(settings, owner=owner("one")), open_archive(settings, owner=owner("two"))
    await put(first, "a.png", b"bytes")
    acts = (
        lambda: put(second, "a.png", b"other"),
        lambda: read(second, "a.png"),
        lambda: second.stat("a.png"),
        lambda: second.delete("a.png"),
        lambda: keys_of(second),
    )

    for act in acts:
        with pytest.raises(StorageError, match="another installation"):
            await act()

    assert b"bytes" == await read(first, "a.png")


async def test_a_prefix_is_claimed_once_the_bucket_answers(proxy, open_archive):
    """A bucket that is down at the start is no other installation's."""
    store = open_archive(settings_of(proxy), owner=owner("one"))
    with proxy.down(), pytest.raises(StorageUnreachable):
        await store.stat("a.png")
    await put(store, "a.png", b"bytes")
    proxy.ledger.clear()

    await store.stat("a.png")

    assert ["HEAD"] == proxy.methods()
