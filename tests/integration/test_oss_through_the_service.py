"""Images and OSS, through the running service: OSS may be down, lie or be slow, and nothing gets lost."""

import hashlib
import io
import json
import signal
import socket
import zipfile
from collections import Counter
from contextlib import closing
from urllib.parse import urlsplit

import attrs
import pytest

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.fakes.oss import FakeOss
from tests.integration.api.asking import ENGLISH, IMAGES, data, ended, make_image, row, submit, until
from tests.integration.api.live_server import STOP_SECONDS, LiveServer

pytestmark = pytest.mark.one_python

PREFIX = "team/a/"


@attrs.define
class Desk:
    """The service, its bucket, and a client that is told the same all the time."""

    server: LiveServer
    oss: FakeOss
    api: object = None

    def start(self):
        self.close()
        self.server.start()
        self.api = self.server.client()
        return self

    def close(self):
        if self.api is not None:
            self.api.close()

    def item(self, image_id):
        return data(self.api.get(f"{IMAGES}/{image_id}"))

    def stored(self, images, state):
        """Wait until all of these images are there."""
        return until(
            lambda: [self.item(image["id"])["storage"] for image in images],
            lambda states: {state} == set(states),
        )

    def oss_health(self):
        return self.api.get("/health").json()["checks"]["oss"]

    def content(self, image, **headers):
        return self.api.get(image["image_url"], headers=headers)

    @property
    def files(self):
        """The image files, without their thumbnails."""
        paths = (self.server.data_dir / "images").rglob("*.png")
        return sorted(path.name for path in paths)

    def objects(self):
        """Which images lie in the bucket, without their thumbnails."""
        return sorted(key.rpartition("/")[2] for key in self.oss.objects if key.endswith(".png"))


@pytest.fixture
def oss():
    with FakeOss() as oss:
        yield oss


@pytest.fixture
def desk(oss, tmp_path):
    """Return a function that starts the service with such a storage."""
    desks = []

    def start(**storage):
        bucket = {
            "endpoint": oss.endpoint,
            "region": oss.region,
            "bucket": oss.bucket,
            "access_key_id": oss.key_id,
            "access_key_secret": oss.secret,
            "prefix": PREFIX,
        }
        config = {
            "storage": {"oss": bucket, **storage},
            "security": {"allow_private_upstreams": [f"127.0.0.1:{oss.port}"]},
        }
        desks.append(Desk(LiveServer(tmp_path, config), oss).start())
        return desks[-1]

    yield start
    oss.release()
    for one in desks:
        one.close()
        one.server.end()


def make_images(desk, number):
    return [make_image(desk.api, f"lighthouse {n}") for n in range(number)]


def spoil(oss):
    """Return a function that changes the bytes of an object, but not their number."""

    def act(key):
        oss.objects[key].data = b"\0" + oss.objects[key].data[1:]

    return act


def upload_counts(oss):
    """Return how often each image arrived."""
    return Counter(key for key in oss.calls("put", 200) if key.endswith(".png"))


def test_everything_is_served_while_oss_is_down_and_sent_once_it_is_back(desk, oss):
    """The service is well meanwhile, and says what waits; nothing is sent twice."""
    oss.down()
    desk = desk()
    images = make_images(desk, 6)
    until(desk.oss_health, lambda health: health["status"] == "failing")
    served = [desk.content(image) for image in images]
    health, english = (desk.api.get("/health", headers=headers).json() for headers in ({}, ENGLISH))
    waiting = [desk.item(image["id"])["storage"] for image in images]
    oss.up()
    desk.stored(images, "both")

    assert [200] * 6 == [content.status_code for content in served]
    assert ("ok", ["local"] * 6) == (health["status"], waiting)
    assert health["checks"]["oss"]["uploads"] > 0
    assert health["checks"]["oss"]["last_error"].startswith("OSS：没有可用的响应（")
    assert english["checks"]["oss"]["last_error"].startswith("OSS: no usable response (")
    assert sorted(content.content for content in served) == sorted(
        blob.data for key, blob in oss.objects.items() if key.endswith(".png")
    )
    assert [1] * 6 == list(upload_counts(oss).values())
    assert {
        "status": "ok",
        "uploads": 0,
        "removals": 0,
        "failing": 0,
        "last_error": None,
    } == desk.oss_health()


def test_an_image_that_only_oss_has_is_read_as_before(desk, oss):
    """Same address, same tag, same bytes, also of a part; the thumbnail stays on the disk."""
    oss.down()
    desk = desk(local={"retention_days": 0})
    image = make_image(desk.api)
    before = desk.content(image)
    oss.up()
    desk.stored([image], "oss")
    until(lambda: desk.files, lambda files: not files)

    after = desk.content(image)
    part = desk.content(image, Range="bytes=10-99")
    unchanged = desk.content(image, **{"If-None-Match": before.headers["etag"]})
    assert (200, before.content, before.headers["etag"]) == (
        after.status_code,
        after.content,
        after.headers["etag"],
    )
    assert (206, before.content[10:100]) == (part.status_code, part.content)
    assert 304 == unchanged.status_code
    assert 200 == desk.api.get(image["thumbnail_url"]).status_code
    assert image["image_url"] == desk.item(image["id"])["image_url"]


def test_only_oss_has_it_and_oss_is_down(desk, oss):
    """The reader is asked to come again; when OSS is back, so is the image."""
    desk = desk(local={"retention_days": 0})
    image = make_image(desk.api)
    desk.stored([image], "oss")
    until(lambda: desk.files, lambda files: not files)
    oss.down()
    refused = desk.content(image)
    oss.up()

    assert (503, 50301) == (refused.status_code, refused.json()["code"])
    assert 200 == desk.content(image).status_code


def test_bytes_that_only_oss_has_can_be_polled_once_it_is_back(desk, oss):
    """Meanwhile the poll of `/v1` says so; it does not say that the task has failed."""
    desk = desk(local={"retention_days": 0})
    body = {"prompt": "a lighthouse", "size": "64x64", "response_format": "b64_json"}
    path = desk.api.post("/v1/images/tasks", json=body).json()["poll_url"]
    until(desk.objects, bool)
    until(lambda: desk.files, lambda files: not files)
    oss.down()
    refused = desk.api.get(path)
    oss.up()

    assert (503, "unavailable") == (refused.status_code, refused.json()["error"]["code"])
    assert "retry-after" in refused.headers
    assert ("completed", 200) == tuple(desk.api.get(path).json()[name] for name in ("status", "http_status"))


def test_without_a_local_store_images_go_to_oss_at_once(desk, oss):
    """Nothing of them is left on the disk."""
    desk = desk(local=None)
    images = make_images(desk, 3)

    data_dir = desk.server.data_dir
    files = [path for folder in ("images", "spool") for path in (data_dir / folder).rglob("*.*")]
    assert ["oss"] * 3 == [image["storage"] for image in images]
    assert [] == files
    assert [1] * 3 == list(upload_counts(oss).values())
    assert [200] * 3 == [desk.content(image).status_code for image in images]


def test_without_a_local_store_a_refused_upload_is_made_again(desk, oss):
    """The provider's answer waits on the disk until OSS takes the image; it is not asked for again."""
    desk = desk(local=None)
    make_image(desk.api)  # so that the prefix is claimed
    oss.fail("unavailable", "put")
    task = ended(desk.api, data(submit(desk.api))["task_id"])

    assert ("completed", 1) == (task["status"], task["attempts"])
    assert [1] * 2 == list(upload_counts(oss).values())
    assert [] == list((desk.server.data_dir / "spool").rglob("*.*"))


def test_without_a_local_store_images_wait_on_the_disk_while_oss_is_down(desk, oss):
    """They were paid for. When OSS is back, they go there, and the disk is empty again."""
    oss.down()
    desk = desk(local=None)
    image = make_image(desk.api)
    served, files = desk.content(image), desk.files
    oss.up()
    desk.stored([image], "oss")
    until(lambda: desk.files, lambda files: not files)

    assert ("local", 200, 1) == (image["storage"], served.status_code, len(files))
    assert served.content == desk.content(image).content
    assert files == desk.objects()


def test_images_on_the_disk_stay_when_the_local_store_is_given_up(desk, oss):
    """They are readable at once, and go where the others are."""
    oss.down()
    first = desk()
    image = make_image(first.api)
    before = first.content(image)
    first.server.stop()
    second = desk(local=None)
    meanwhile = second.content(image)
    oss.up()
    second.stored([image], "oss")

    assert 200 == before.status_code
    assert before.content == meanwhile.content == second.content(image).content


def object_key(image):
    """Return the key of the only image of a task that was claimed once."""
    return f"{PREFIX}{image['task_id'][-2:]}/{image['task_id']}-0-0-1.png"


def test_without_a_local_store_a_verification_looks_at_oss(desk, oss):
    """It sees what is lost there, and what is damaged."""
    desk = desk(local=None)
    lost, damaged = make_images(desk, 2)
    for image, damage in ((lost, oss.objects.pop), (damaged, spoil(oss))):
        damage(object_key(image))
    report = json.loads(desk.server.imagegen("storage", "verify", "--json").stdout)

    assert {lost["id"]: "lost", damaged["id"]: "archive_damaged"} == {
        finding["image_id"]: finding["kind"] for finding in report["findings"]
    }


def test_a_damaged_object_is_seen_when_only_oss_has_the_image(desk, oss):
    """By the checksum that was taken when the image came."""
    desk = desk(local={"retention_days": 0})
    image = make_image(desk.api)
    desk.stored([image], "oss")
    spoil(oss)(object_key(image))
    report = json.loads(desk.server.imagegen("storage", "verify", "--json").stdout)

    assert ["archive_damaged"] == [finding["kind"] for finding in report["findings"]]


@pytest.mark.parametrize("lie", ["wrong_crc", "corrupt", "shorten"])
def test_a_local_file_stays_until_oss_has_the_same_bytes(desk, oss, lie):
    """The disagreement is told to whoever looks, and the upload is made again."""
    desk = desk(local={"retention_days": 0})
    first = make_image(desk.api)
    desk.stored([first], "oss")
    oss.fail(lie, "put")
    image = make_image(desk.api)
    health = until(desk.oss_health, lambda health: health["failing"])
    files = desk.files
    desk.stored([image], "oss")

    assert ("failing", 1) == (health["status"], health["failing"])
    assert health["last_error"]
    assert 1 == len(files)
    assert files == [name for name in desk.objects() if name.startswith(image["task_id"])]
    assert 200 == desk.content(image).status_code


def test_an_image_that_is_deleted_while_oss_is_down_is_gone_at_once(desk, oss):
    """For readers and from the disk; from the bucket as soon as that is back."""
    desk = desk()
    image, other = make_images(desk, 2)
    desk.stored([image, other], "both")
    oss.down()
    answer = desk.api.delete(f"{IMAGES}/{image['id']}")
    gone = [desk.api.get(url).status_code for url in (image["image_url"], f"{IMAGES}/{image['id']}")]
    files = desk.files
    oss.up()
    until(desk.objects, lambda objects: len(objects) == 1)

    assert (200, [404, 404]) == (answer.status_code, gone)
    assert files == desk.objects()
    assert 200 == desk.content(other).status_code


def enlarged(server, image):
    """Put a large image in the place of this one, while the server does not run, and return its bytes."""
    (file,) = (server.data_dir / "images").rglob(f"{image['task_id']}*.png")
    content = file.read_bytes() + bytes(range(256)) * (20 * 1024 * 1024 // 256)
    file.write_bytes(content)
    values = len(content), hashlib.sha256(content).hexdigest(), image["id"]
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as connection, connection:
        connection.execute("UPDATE images SET size_bytes = ?, sha256 = ?, crc64 = NULL WHERE id = ?", values)
    return content


def test_a_large_upload_goes_on_after_a_kill(desk, oss):
    """What had arrived in parts is not sent again."""
    oss.down()
    desk = desk()
    image = make_image(desk.api)
    desk.server.kill()
    content = enlarged(desk.server, image)
    oss.up()
    oss.fail("", "part", times=2)
    oss.fail("delay", "part")
    desk.start()
    until(lambda: oss.faults, lambda faults: not faults)
    until(lambda: oss.calls("part", 200), lambda arrived: len(arrived) == 2)
    desk.server.kill()
    oss.ledger.clear()
    oss.release()
    desk.start()
    desk.stored([image], "both")

    parts = {call.query["partNumber"] for call in oss.ledger if call.operation == "part"}
    assert {"3"} == parts
    assert [content] == [blob.data for key, blob in oss.objects.items() if key.endswith(".png")]
    assert [] == list((desk.server.data_dir / "uploads").iterdir())


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_uploads_go_on_after_a_restart(desk, oss, end):
    """What was being sent is sent anew, what had been proved is left alone."""
    desk = desk()
    (first,) = make_images(desk, 1)
    desk.stored([first], "both")
    oss.fail("delay", "put", times=2)
    rest = make_images(desk, 4)
    until(lambda: oss.faults, lambda faults: not faults)  # two uploads hang
    desk.server.signal(end)
    code = desk.server.process.wait(STOP_SECONDS)
    oss.release()
    desk.start()
    desk.stored([first, *rest], "both")

    assert {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: 0}[end] == code
    assert 1 == upload_counts(oss)[object_key(first)]
    assert desk.files == desk.objects()
    assert [200] * 5 == [desk.content(image).status_code for image in (first, *rest)]


def zipped(desk, images, version="1.1"):
    """Ask for a zip file on a connection of its own; return its status, and how its body ends."""
    place = urlsplit(desk.server.url)
    body = f"ids={','.join(str(image['id']) for image in images)}".encode()
    lines = (
        f"POST {IMAGES}/zip HTTP/{version}",
        f"Host: {place.netloc}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
    )
    received = b""
    with socket.create_connection((place.hostname, place.port), timeout=90) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        try:
            while piece := connection.recv(65536):
                received += piece
        except ConnectionResetError:
            return received[9:12], "reset"
    return received[9:12], "whole" if received.endswith(b"0\r\n\r\n") else "cut off"


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_a_zip_that_oss_cuts_off_looks_cut_off(desk, oss, version):
    """Also to a client, or a proxy, of HTTP/1.0, for which a connection that ends is the end of the body."""
    desk = desk(local={"retention_days": 0})
    images = make_images(desk, 2)
    desk.stored(images, "oss")
    for stored in oss.objects.values():
        stored.data = bytes(8 * 1024 * 1024)  # so that some of it has been sent when the rest does not come
    oss.fail("truncate", "get")

    assert (b"200", "reset") == zipped(desk, images, version)
    assert "a download broke off" in desk.server.log
    assert (b"200", "whole" if version == "1.1" else "cut off") == zipped(desk, images, version)


def test_a_zip_says_what_only_oss_has_while_it_is_down(desk, oss):
    """And there is none where nothing else was asked for; once it is back, all are there."""
    desk = desk(local={"retention_days": 0})
    away = [make_image(desk.api, f"away {n}") for n in range(5)]
    desk.stored(away, "oss")
    oss.down()
    local = make_image(desk.api, "here")

    def files(response):
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    ids = [image["id"] for image in (*away, local)]
    some = files(desk.api.post(f"{IMAGES}/zip", json={"ids": ids}, headers=ENGLISH))
    refused = desk.api.post(f"{IMAGES}/zip", json={"ids": ids[:2]})
    oss.up()

    assert [f"here-{local['id']}.png", "prompts.csv", "MISSING.txt"] == list(some)
    assert len(away) == some["MISSING.txt"].decode().count("the archive does not answer")
    assert (503, 50301, "unavailable") == row(refused)
    assert 7 == len(files(desk.api.post(f"{IMAGES}/zip", json={"ids": ids})))
