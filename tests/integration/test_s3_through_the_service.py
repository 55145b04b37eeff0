"""Images and a bucket of S3, through the running service."""

import pytest

from tests.fakes import s3_servers
from tests.fakes.faulty_proxy import FaultyProxy
from tests.integration.api.asking import IMAGES, data, make_image, until
from tests.integration.api.live_server import LiveServer

pytestmark = pytest.mark.one_python


@pytest.fixture
def proxy():
    with s3_servers.localbucket() as port, FaultyProxy(port) as proxy:
        yield proxy


@pytest.fixture
def start(proxy, tmp_path):
    """Return a function that starts a service with such a storage in a directory of its own."""
    servers, clients = [], []

    def begin(name="one", **storage):
        bucket = {
            "endpoint": proxy.endpoint,
            "region": "us-east-1",
            "bucket": s3_servers.BUCKET,
            "access_key_id": s3_servers.KEY_ID,
            "access_key_secret": s3_servers.SECRET,
            "prefix": "team/a",
        }
        config = {
            "storage": {"s3": bucket, **storage},
            "security": {"allow_private_upstreams": [f"127.0.0.1:{proxy.port}"]},
        }
        (tmp_path / name).mkdir(exist_ok=True)
        server = LiveServer(tmp_path / name, config)
        servers.append(server)
        server.start()
        clients.append(server.client())
        return server, clients[-1]

    yield begin
    proxy.released.set()
    for client in clients:
        client.close()
    for server in servers:
        server.end()


def stored(api, image, state):
    """Wait until the image is there."""
    return until(
        lambda: data(api.get(f"{IMAGES}/{image['id']}"))["storage"], lambda current: current == state
    )


def test_an_image_goes_to_the_bucket_and_comes_back_from_it(start):
    """Its local file is removed once the bucket has proved that it has the bytes; readers notice nothing."""
    server, api = start(local={"retention_days": 0})
    image = make_image(api, "a lighthouse")
    stored(api, image, "oss")

    content = api.get(image["image_url"])
    part = api.get(image["image_url"], headers={"Range": "bytes=2-9"})

    assert (200, image["size_bytes"]) == (content.status_code, len(content.content))
    assert (206, content.content[2:10]) == (part.status_code, part.content)
    assert [] == list((server.data_dir / "images").rglob("*.png"))
    assert {"status": "ok", "uploads": 0, "removals": 0, "failing": 0, "last_error": None} == api.get(
        "/health"
    ).json()["checks"]["s3"]


def test_images_wait_while_the_bucket_is_down(start, proxy):
    """The service is well meanwhile."""
    with proxy.down():
        _, api = start()
        image = make_image(api, "a lighthouse")
        health = until(lambda: api.get("/health").json()["checks"]["s3"], lambda s3: s3["failing"])
    data(api.post("/api/v1/storage/sync", json={}))

    assert ("failing", 1) == (health["status"], health["uploads"])
    assert stored(api, image, "both")


def test_an_image_is_streamed_to_the_bucket_without_a_local_file(start, proxy):
    """With `storage.local: null` it is never on the disk."""
    server, api = start(local=None)
    image = make_image(api, "a lighthouse")

    assert "oss" == image["storage"]
    assert [] == list((server.data_dir / "images").rglob("*.png"))
    assert 200 == api.get(image["image_url"]).status_code


def test_an_image_that_was_read_lately_is_read_without_the_bucket(start, proxy):
    """It is in the cache on the disk."""
    server, api = start(local=None, cache_mb=10)
    image = make_image(api, "a lighthouse")
    content = api.get(image["image_url"]).content

    with proxy.down():
        again = api.get(image["image_url"], headers={"Range": "bytes=2-9"})

    assert (206, content[2:10]) == (again.status_code, again.content)
    assert [content] == [path.read_bytes() for path in (server.data_dir / "cache").rglob("*.png")]


def test_another_installation_does_not_get_the_same_prefix(start):
    """Its images stay on its own disk, and it says why."""
    _, one = start("one")
    stored(one, make_image(one, "a lighthouse"), "both")
    server, two = start("two")
    image = make_image(two, "a ship")

    health = until(lambda: two.get("/health").json()["checks"]["s3"], lambda s3: s3["failing"])

    assert "另一个安装" in health["last_error"] or "another installation" in health["last_error"]
    assert "local" == data(two.get(f"{IMAGES}/{image['id']}"))["storage"]
    assert (server.data_dir / "installation").read_text()


def test_a_restart_is_the_same_installation(start):
    """It goes on in its prefix."""
    server, one = start("one")
    stored(one, make_image(one, "a lighthouse"), "both")
    server.end()
    _, again = start("one")

    assert stored(again, make_image(again, "a ship"), "both")
