"""A node goes on with what a data directory had: nothing is paid for twice, and every image is found."""

import pytest

from tests.chaos.service import Service, UpstreamProcess, wait_until
from tests.fakes import s3_servers
from tests.fakes.oss import FakeOss
from tests.integration.api.asking import IMAGES, data, make_image, until
from tests.integration.api.live_server import imagegen
from tests.integration.cluster.conftest import node_config
from tests.schemas import scene
from tests.schemas.directories import MASTER_KEY, NAMES, unpack

pytestmark = pytest.mark.one_python

TASKS = "SELECT prompt || '|' || status FROM tasks ORDER BY seq"

URLS = ("image_url", "thumbnail_url")

PROMPTS_OF = "SELECT prompt FROM attempts JOIN tasks USING (task_id) WHERE attempt_id IN ({}) ORDER BY 1"


@pytest.fixture
def upstream(tmp_path):
    """The provider of the tasks, which has forgotten what it was asked before."""
    process = UpstreamProcess(tmp_path / "ledger").start()
    process.be(lasting=True)
    yield process
    process.end()


@pytest.fixture
def oss():
    with FakeOss() as oss:
        yield oss


def test_a_node_goes_on_with_a_moved_directory(upstream, oss, postgresql, tmp_path):
    """What was not sent is sent once, what was sent is not sent again, as at the next start of one box."""
    box = Service(tmp_path, unpack(NAMES[-1], tmp_path / "box", upstream.url), upstream)
    box.settings = scene.settings(upstream, oss)
    box.configure()
    dsn = postgresql.create_database("moved_tasks")
    moved = imagegen("migrate", "--to", dsn, cwd=tmp_path)
    (tmp_path / "node").mkdir()
    node = Service(tmp_path / "node", tmp_path / "node" / "data", upstream)
    node.environ = {"IMAGEGEN_MASTER_KEY": MASTER_KEY}
    hosts = box.settings["security"]
    node.settings = node_config(dsn, oss, security=hosts, providers=box.settings["providers"])
    node.settings["storage"]["oss"]["prefix"] = box.settings["storage"]["oss"]["prefix"]
    node.start()
    try:
        ended = wait_until(
            lambda: (
                all(row.endswith(("|completed", "|failed", "|cancelled")) for row in tasks(postgresql))
                and tasks(postgresql)
            ),
            awaited="the end of all tasks",
        )
        with node.client() as api:
            again = api.post("/api/v1/tasks/generate", json=scene.REPEATED, headers=scene.IDEMPOTENT)
            totals = [total(api, word) for word in ("一只猫", "lighthouse", "两只狗")]
            images = api.get("/api/v1/images", params={"page_size": 100}).json()["data"]["items"]
            contents = [api.get(image[url]).status_code for image in images for url in URLS]
    finally:
        node.kill()
    tokens = ", ".join(f"'{charge.token}'" for charge in upstream.charges())

    assert 0 == moved.returncode, moved
    assert scene.ENDS == dict(row.split("|") for row in ended)
    assert sorted(scene.SENT) == sorted(postgresql.run(PROMPTS_OF.format(tokens), "moved_tasks"))
    assert ([1, 1, 2], "true") == (totals, again.headers["Idempotent-Replayed"])
    assert {200} == set(contents)


def tasks(postgresql):
    return postgresql.run(TASKS, "moved_tasks")


def total(api, keyword):
    return api.get("/api/v1/images/search", params={"keyword": keyword}).json()["data"]["total"]


@pytest.fixture
def storage():
    """A bucket of S3, which a box and then a node use."""
    with s3_servers.localbucket() as port:
        names = {"endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1", "bucket": s3_servers.BUCKET}
        keys = {"access_key_id": s3_servers.KEY_ID, "access_key_secret": s3_servers.SECRET}
        yield (
            {"s3": {**names, **keys, "prefix": "team/a"}},
            {"allow_private_upstreams": [f"127.0.0.1:{port}"]},
        )


def test_images_in_a_bucket_of_s3_stay_there(storage, nodes, start_server, postgresql, tmp_path):
    """They are not copied again; until the move has finished, no node starts, and no later try will."""
    bucket, security = storage
    box = start_server(
        {"storage": {"local": {"retention_days": 0}, **bucket}, "security": security}, folder=tmp_path / "box"
    )
    with box.client() as api:
        image = make_image(api, "a lighthouse")
        until(lambda: data(api.get(f"{IMAGES}/{image['id']}"))["storage"], lambda state: state == "oss")
        content = api.get(image["image_url"]).content
    box.stop()
    dsn = postgresql.create_database("moved_from_s3")
    moved = box.imagegen("migrate", "--to", dsn)
    key = (box.data_dir / "master.key").read_text().strip()
    node = nodes.make(database=dsn, key=key, storage={"local": None, **bucket}, security=security)
    postgresql.run("UPDATE moves SET finished_at = NULL", "moved_from_s3")
    refused = node.imagegen("serve", "--port", "0")
    postgresql.run("UPDATE moves SET finished_at = now()", "moved_from_s3")
    with node.start().client() as api:
        again = api.get(image["image_url"])
        new = make_image(api, "a ship")
        searched = [total(api, word) for word in ("lighthouse", "ship")]

    assert (0, True) == (moved.returncode, "0.0 MB for the bucket" in moved.stdout), moved
    assert (3, True) == (refused.returncode, "imagegen migrate" in refused.stderr)
    assert (200, content) == (again.status_code, again.content)
    assert ("oss", [1, 1]) == (new["storage"], searched)
