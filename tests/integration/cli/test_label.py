"""With ``aigc_label``, every stored file carries the label; without, it is the provider's, byte by byte."""

import hashlib
import io
from contextlib import closing

import pytest
from PIL import Image

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import make_image
from tests.integration.api.live_server import LiveServer

PRODUCER = "91110000MA00000000 某公司"


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """Return the same images, from a server that labels and from one that does not."""
    images = {}
    for label in (True, False):
        config = {"aigc_label": {"enabled": True, "producer": PRODUCER}} if label else {}
        server = LiveServer(tmp_path_factory.mktemp("label"), config).start()
        try:
            with server.client() as api:
                for kind in ("png", "jpeg", "webp"):
                    record = make_image(api, "同一幅画", seed=7, format=kind)
                    content = api.get(record["image_url"]).content
                    thumbnail = api.get(record["thumbnail_url"])
                    images[kind, label] = record, content, thumbnail.status_code
            with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as connection:
                rows = connection.execute("SELECT id, vendor_sha256 FROM images").fetchall()
            images[label] = dict(rows)
        finally:
            server.end()
    return images


def decoded(content):
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_the_file_shows_the_label_and_the_same_image(images, kind):
    """And names its task."""
    record, content, thumbnail = images[kind, True]
    labelled, plain = decoded(content), decoded(images[kind, False][1])
    xmp = labelled.info.get("xmp") or labelled.info["XML:com.adobe.xmp"].encode()

    assert (plain.mode, plain.tobytes()) == (labelled.mode, labelled.tobytes())
    assert f"&quot;ContentProducer&quot;:&quot;{PRODUCER}&quot;".encode() in xmp
    assert f"&quot;ProduceID&quot;:&quot;{record['task_id']}-0-0&quot;".encode() in xmp
    assert 200 == thumbnail


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_checksum_and_size_are_of_the_stored_file(images, kind):
    """The checksum of the provider's file is stored beside them."""
    record, content, _ = images[kind, True]
    upstreams = images[kind, False][1]

    assert (hashlib.sha256(content).hexdigest(), len(content)) == (record["sha256"], record["size_bytes"])
    assert hashlib.sha256(upstreams).hexdigest() == images[True][record["id"]]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_without_it_the_file_is_the_upstreams(images, kind):
    """Without a label, and without a second checksum."""
    record, content, _ = images[kind, False]

    assert (False, None) == (b"TC260" in content, images[False][record["id"]])
    assert hashlib.sha256(content).hexdigest() == record["sha256"]
