"""The OSS blob archive fulfils the contract of its port, also on an unreliable network."""

import asyncio
import hashlib
import subprocess
import sys
from ipaddress import ip_address

import pytest

from imagegen_adapters.archives.bucket import PART_BYTES
from imagegen_adapters.archives.oss import OssBlobArchive
from imagegen_adapters.archives.prefix import PrefixTaken
from imagegen_adapters.memory import MemoryBlobStore
from imagegen_adapters.outbound.addresses import AddressGate, NameLookups
from imagegen_core.errors import BlobMissing, StorageError, StorageUnreachable, ValidationFailed
from imagegen_core.secrets import Secret
from tests.contracts.samples import keys_of, read, stream
from tests.fakes.oss import FakeOss, Fault, StoredObject, crc64
from tests.integration.api.asking import until
from tests.integration.oss_settings import settings_of

pytestmark = pytest.mark.anyio

MIB = 1024 * 1024


@pytest.fixture
def oss():
    with FakeOss() as oss:
        yield oss


@pytest.fixture
async def store(oss):
    store = OssBlobArchive(settings_of(oss))
    yield store
    oss.release()
    await store.aclose()


def bytes_of(length):
    return (hashlib.sha256(str(length).encode()).digest() * (length // 32 + 1))[:length]


async def put(store, key, data):
    return await store.put(key, stream([data]), content_type="image/png")


async def test_a_put_is_one_request_with_its_content_type(store, oss):
    """There is no other request before or after it."""
    blob = await put(store, "images/7.png", b"123456789")

    assert ["team/a/images/7.png"] == oss.calls()
    assert "image/png" == oss.objects["team/a/images/7.png"].content_type
    assert str(0x995DC9BBDF1939FA) == blob.archive_checksum


async def test_an_svg_is_an_attachment(store, oss):
    """No browser shows it as a page of the bucket, also where it is sent in parts."""
    data = b"<svg/>" + bytes(3 * PART_BYTES)
    await store.put("a.svg", stream([b"<svg/>"]), content_type="image/svg+xml")
    source = MemoryBlobStore({"b.svg": data})
    await store.copy_from(source, "b.svg", size_bytes=len(data), content_type="image/svg+xml")
    await put(store, "c.png", b"123456789")

    begun = [call for call in oss.ledger if call.operation in ("put", "init")]
    assert [("put", "attachment"), ("init", "attachment"), ("put", None)] == [
        (call.operation, call.headers.get("content-disposition")) for call in begun
    ]


async def test_stat_returns_the_checksum_of_oss(store, oss):
    """A HEAD request suffices to verify an object."""
    await put(store, "a.png", b"123456789")

    blob = await store.stat("a.png")

    assert (9, str(0x995DC9BBDF1939FA), "oss") == (blob.size_bytes, blob.archive_checksum, blob.state)


async def test_other_tenants_of_the_bucket_are_not_seen(store, oss):
    """Only keys below the prefix are listed, page by page."""
    for number in range(1002):
        oss.objects[f"team/a/{number}.png"] = _object(b"x")
    oss.objects["team/b/1.png"] = _object(b"x")
    oss.objects["team/a/Not A Key"] = _object(b"x")

    listed = await keys_of(store)

    assert sorted(f"{number}.png" for number in range(1002)) == sorted(listed)
    assert 2 == len(oss.calls("list"))


def _object(data):
    return StoredObject(data, hashlib.md5(data).hexdigest().upper(), "image/png")  # noqa: S324 - an ETag


async def test_a_temporary_token_is_sent(oss):
    """STS credentials work."""
    oss.token = "sts-token"
    store = OssBlobArchive(settings_of(oss, session_token=Secret("sts-token")))
    await put(store, "a.png", b"bytes")

    assert b"bytes" == await read(store, "a.png")
    await store.aclose()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("unavailable", StorageUnreachable),
        ("html", StorageUnreachable),
        ("reset", StorageUnreachable),
        ("skew", StorageError),
        ("denied", StorageError),
    ],
)
@pytest.mark.parametrize("act", ["put", "open", "stat", "delete", "keys"])
async def test_failures_of_oss_and_the_network_are_translated(store, oss, fault, expected, act):
    """Each becomes an error of the port, reveals no URL or secret, and does not affect the next request."""
    acts = {
        "put": lambda: put(store, "a.png", b"new"),
        "open": lambda: read(store, "a.png"),
        "stat": lambda: store.stat("a.png"),
        "delete": lambda: store.delete("a.png"),
        "keys": lambda: keys_of(store),
    }
    await put(store, "a.png", b"old")
    oss.fail(fault)

    with pytest.raises(expected) as caught:
        await acts[act]()
    await acts[act]()

    assert expected is type(caught.value)
    assert "http" not in str(caught.value)
    assert oss.secret not in str(caught.value)


async def test_a_server_that_is_down_is_unreachable(store, oss):
    """A refused connection may work later."""
    await put(store, "a.png", b"bytes")
    oss.down()

    with pytest.raises(StorageUnreachable):
        await store.stat("a.png")
    with pytest.raises(StorageUnreachable):
        await put(store, "b.png", bytes_of(3 * MIB))
    oss.up()

    assert b"bytes" == await read(store, "a.png")


async def test_a_missing_bucket_is_not_a_missing_blob(oss):
    """A wrong name must not look as if images were lost."""
    store = OssBlobArchive(settings_of(oss, bucket="another-bucket"))

    with pytest.raises(StorageError, match="NoSuchBucket"):
        await store.stat("a.png")
    await store.aclose()


async def test_a_wrong_secret_is_reported(oss):
    """OSS's own message reaches the operator."""
    store = OssBlobArchive(settings_of(oss, access_key_secret=Secret("wrong")))

    with pytest.raises(StorageError, match="403 SignatureDoesNotMatch"):
        await store.stat("a.png")
    await store.aclose()


@pytest.mark.parametrize("fault", ["wrong_crc", "corrupt"])
async def test_a_corrupted_object_is_removed(store, oss, fault):
    """When OSS reports another checksum than ours, the object is removed again."""
    oss.fail(fault, "put")

    with pytest.raises(StorageError, match="another checksum"):
        await put(store, "a.png", bytes_of(700_000))

    assert {} == oss.objects


@pytest.mark.parametrize("fault", ["truncate", "stall"])
async def test_a_broken_download_is_unreachable(oss, fault):
    """A partial response never looks like a complete one."""
    patient, store = OssBlobArchive(settings_of(oss)), OssBlobArchive(settings_of(oss, idle_timeout=0.2))
    await put(patient, "a.png", bytes_of(MIB))
    await patient.aclose()
    oss.fail(fault, "get")

    with pytest.raises(StorageUnreachable):
        await read(store, "a.png")
    oss.release()
    await store.aclose()


async def test_a_missing_response_is_unreachable(oss):
    """An unresponsive server blocks a caller no longer than the read time-out."""
    store = OssBlobArchive(settings_of(oss, idle_timeout=0.2))
    oss.fail("delay", "head")

    with pytest.raises(StorageUnreachable):
        await store.stat("a.png")
    oss.release()
    await store.aclose()


async def test_a_redirect_is_not_followed(store, oss):
    """Signed requests go to the endpoint and nowhere else."""
    with FakeOss() as other:
        oss.fail("redirect", target=other.endpoint)

        with pytest.raises(StorageError, match="OSS: 302"):
            await store.stat("a.png")

        assert [] == other.ledger


async def test_the_environment_is_ignored(oss, monkeypatch, tmp_path):
    """Neither proxy variables nor a netrc file affect requests to OSS."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    store = OssBlobArchive(settings_of(oss))

    await put(store, "a.png", b"bytes")

    assert ["team/a/a.png"] == oss.calls("put", 200)
    await store.aclose()


async def test_a_private_endpoint_must_be_allowed(oss):
    """Addresses are checked when connecting."""
    store = OssBlobArchive(settings_of(oss), gate=AddressGate())

    with pytest.raises(StorageError, match="loopback"):
        await store.stat("a.png")

    assert [] == oss.ledger
    await store.aclose()


async def test_an_allowed_endpoint_is_reached_at_the_checked_address(oss):
    """The connection goes to the checked address; the Host header still holds the name."""
    checked = []

    def look_up(host, port):
        checked.append((host, port))
        return (ip_address("127.0.0.1"),)

    store = OssBlobArchive(
        settings_of(oss, endpoint=f"http://localhost:{oss.port}"),
        gate=AddressGate([f"127.0.0.1:{oss.port}"]),
        lookups=NameLookups(1, query=look_up),
    )
    await put(store, "a.png", b"bytes")

    assert [("localhost", oss.port)] == checked
    assert f"localhost:{oss.port}" == oss.ledger[0].headers["host"]
    await store.aclose()


async def test_a_name_that_does_not_resolve_is_unreachable(oss):
    """It may resolve later."""
    settings = settings_of(oss, endpoint="http://oss.invalid")
    store = OssBlobArchive(settings, gate=AddressGate())

    with pytest.raises(StorageUnreachable):
        await store.stat("a.png")
    await store.aclose()


async def test_an_abandoned_reader_releases_its_connection(oss):
    """More abandoned readers than connections do not block the next one."""
    store = OssBlobArchive(settings_of(oss, max_uploads=2))
    data = bytes_of(2 * MIB)
    await put(store, "a.png", data)
    for _ in range(5):
        reading = store.open("a.png")
        await anext(reading)
        await reading.aclose()

    assert data == await read(store, "a.png")
    await store.aclose()


async def test_closing_does_not_wait_for_a_response(oss):
    """An unresponsive bucket does not delay a shutdown."""
    store = OssBlobArchive(settings_of(oss, idle_timeout=3600))
    oss.fail("delay", "put")
    oss.fail("delay", "head")
    requests = [asyncio.create_task(put(store, "a.png", b"x")), asyncio.create_task(store.stat("b.png"))]
    await asyncio.to_thread(until, lambda: oss.faults, lambda faults: not faults)

    await store.aclose()
    errors = await asyncio.gather(*requests, return_exceptions=True)

    assert [StorageUnreachable] * 2 == [type(error) for error in errors]


async def test_more_puts_than_threads_all_succeed(oss):
    """Those without a thread wait for one."""
    store = OssBlobArchive(settings_of(oss, max_uploads=2))
    data = {f"{number}.png": bytes_of(600_000 + number) for number in range(8)}

    await asyncio.gather(*(put(store, key, content) for key, content in data.items()))

    assert data == {key: await read(store, key) for key in data}
    await store.aclose()


async def test_a_small_blob_is_copied_in_one_request(store, oss):
    """Below 16 MiB there are no parts."""
    source = MemoryBlobStore({"a.png": bytes_of(MIB)})

    blob = await store.copy_from(source, "a.png", size_bytes=MIB, content_type="image/png")

    assert ["team/a/a.png"] == oss.calls()
    assert (MIB, str(crc64(bytes_of(MIB)))) == (blob.size_bytes, blob.archive_checksum)


async def test_a_large_blob_is_copied_in_parts(store, oss):
    """The checksums of each part and of the whole are verified."""
    data = bytes_of(20 * MIB)

    blob = await store.copy_from(
        MemoryBlobStore({"a.png": data}), "a.png", size_bytes=len(data), content_type="image/png"
    )

    assert data == oss.objects["team/a/a.png"].data
    assert ["init", "part", "part", "part", "complete"] == [call.operation for call in oss.ledger]
    assert str(crc64(data)) == blob.archive_checksum


async def test_an_interrupted_copy_is_resumed(oss, tmp_path):
    """After a failure and a restart, parts that were uploaded are not sent again."""
    data = bytes_of(20 * MIB)
    source = MemoryBlobStore({"a.png": data})
    first = OssBlobArchive(settings_of(oss), checkpoints=tmp_path)
    oss.faults = [Fault("unavailable", "complete")]
    with pytest.raises(StorageUnreachable):
        await first.copy_from(source, "a.png", size_bytes=len(data), content_type="image/png")
    await first.aclose()
    oss.ledger.clear()
    second = OssBlobArchive(settings_of(oss), checkpoints=tmp_path)

    await second.copy_from(source, "a.png", size_bytes=len(data), content_type="image/png")

    assert ["parts", "complete"] == [call.operation for call in oss.ledger]
    assert data == oss.objects["team/a/a.png"].data
    assert [] == list(tmp_path.iterdir())
    await second.aclose()


async def test_a_copy_whose_last_response_was_lost_leaves_no_checkpoint(oss, tmp_path):
    """The object exists, so `matches` removes the checkpoint."""
    data = bytes_of(17 * MIB)
    source = MemoryBlobStore({"a.png": data})
    store = OssBlobArchive(settings_of(oss), checkpoints=tmp_path)
    oss.fail("swallow", "complete")
    with pytest.raises(StorageUnreachable):
        await store.copy_from(source, "a.png", size_bytes=len(data), content_type="image/png")
    checkpoints = len(list(tmp_path.iterdir()))

    assert await store.matches(source, "a.png")
    assert (1, []) == (checkpoints, list(tmp_path.iterdir()))
    assert data == await read(store, "a.png")
    await store.aclose()


async def test_a_copy_starts_again_when_oss_forgot_the_parts(store, oss):
    """A lifecycle rule of the bucket may remove an incomplete upload."""
    data = bytes_of(17 * MIB)
    source = MemoryBlobStore({"a.png": data})
    oss.fail("unavailable", "complete")
    with pytest.raises(StorageUnreachable):
        await store.copy_from(source, "a.png", size_bytes=len(data), content_type="image/png")
    oss.uploads.clear()

    await store.copy_from(source, "a.png", size_bytes=len(data), content_type="image/png")

    assert data == oss.objects["team/a/a.png"].data


@pytest.mark.parametrize(
    ("operation", "fault"), [("part", "corrupt"), ("part", "wrong_crc"), ("complete", "wrong_crc")]
)
async def test_a_corrupted_part_is_not_kept(store, oss, operation, fault):
    """After one wrong checksum there is no object."""
    data = bytes_of(17 * MIB)
    oss.fail(fault, operation)

    with pytest.raises(StorageError, match="another checksum"):
        await store.copy_from(
            MemoryBlobStore({"a.png": data}), "a.png", size_bytes=len(data), content_type="image/png"
        )

    assert {} == oss.objects


@pytest.mark.parametrize("size", [1000, 17 * MIB])
async def test_a_source_of_another_size_is_rejected(store, oss, size):
    """A source shorter than its record is damaged."""
    source = MemoryBlobStore({"a.png": bytes_of(size - 1)})

    with pytest.raises(StorageError, match=str(size)):
        await store.copy_from(source, "a.png", size_bytes=size, content_type="image/png")

    assert {} == oss.objects


async def test_a_missing_source_is_missing(store, oss):
    """There is nothing to send."""
    with pytest.raises(BlobMissing):
        await store.copy_from(MemoryBlobStore(), "a.png", size_bytes=1, content_type="image/png")

    assert {} == oss.objects


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("region", ""),
        ("endpoint", "http://host/path"),
        ("endpoint", "http://[::1]:9000"),
        ("endpoint", "http://user@host"),
        ("bucket", "A"),
        ("access_key_id", " "),
        ("prefix", "../x"),
    ],
)
async def test_invalid_settings_are_refused(oss, field, value):
    """At the start and by name, not at the first image."""
    with pytest.raises(ValidationFailed, match=f"storage.oss.{field}"):
        settings_of(oss, **{field: value})


async def test_the_secret_is_not_shown(oss):
    """Settings may be printed."""
    assert oss.secret not in repr(settings_of(oss))


def test_the_library_is_imported_by_the_first_request():
    """A program that does not use OSS does not pay for oss2."""
    program = (
        "import sys, imagegen_adapters.archives.oss;print('oss2' in sys.modules, 'requests' in sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert "False False" == ran.stdout.strip()


def owner(name):
    """Return what tells the id of an installation."""

    async def installation_id():
        return name

    return installation_id


@pytest.fixture
async def open_store(oss):
    """Open stores in the same prefix."""
    stores = []

    def begin(**more):
        stores.append(OssBlobArchive(settings_of(oss), **more))
        return stores[-1]

    yield begin
    oss.release()
    for store in stores:
        await store.aclose()


async def test_a_prefix_has_one_owner(open_store, oss):
    """The first request leaves the id there; another installation neither reads nor writes."""
    first, second = open_store(owner=owner("one")), open_store(owner=owner("two"))
    await put(first, "a.png", b"bytes")
    source = MemoryBlobStore()
    await put(source, "b.png", b"x" * 17 * MIB)
    acts = (
        lambda: put(second, "a.png", b"other"),
        lambda: read(second, "a.png"),
        lambda: second.stat("a.png"),
        lambda: second.delete("a.png"),
        lambda: keys_of(second),
        lambda: second.copy_from(source, "b.png", size_bytes=17 * MIB, content_type="image/png"),
        lambda: second.matches(source, "b.png"),
    )
    before = dict(oss.objects)

    for act in acts:
        with pytest.raises(PrefixTaken, match=r"my-pictures/team/a/ belongs to another installation \(one\)"):
            await act()

    assert b"one" == oss.objects["team/a/IMAGEGEN-OWNER"].data
    assert before == oss.objects
    assert ["a.png"] == await keys_of(first)


async def test_of_two_that_begin_together_one_gets_the_prefix(open_store, oss):
    """Both find no owner; OSS lets one create the object, and the other sees whose it is."""
    stores = {name: open_store(owner=owner(name)) for name in ("one", "two")}
    oss.fail("delay", "put", times=2)
    claims = [asyncio.create_task(store.stat("a.png")) for store in stores.values()]
    await asyncio.to_thread(until, lambda: oss.faults, lambda faults: not faults)
    oss.release()
    results = await asyncio.gather(*claims, return_exceptions=True)

    assert [200, 409] == sorted(call.status for call in oss.ledger if call.operation == "put")
    assert 1 == sum(isinstance(result, PrefixTaken) for result in results)


async def test_a_prefix_is_claimed_once_oss_answers(open_store, oss):
    """A bucket that is down at the start is no other installation's."""
    store = open_store(owner=owner("one"))
    oss.down()
    with pytest.raises(StorageUnreachable):
        await store.stat("a.png")
    oss.up()
    await put(store, "a.png", b"bytes")
    oss.ledger.clear()

    await store.stat("a.png")

    assert ["head"] == [call.operation for call in oss.ledger]


async def test_an_owner_that_may_not_be_read_is_no_other_one(open_store, oss):
    """The reason is that of OSS, and nothing is written."""
    store = open_store(owner=owner("one"))
    oss.fail("denied", "get")

    with pytest.raises(StorageError, match="AccessDenied"):
        await put(store, "a.png", b"bytes")
    assert {} == oss.objects
