"""A node goes on with what a data directory had: nothing is paid for twice, and every image is found."""

import pytest

from tests.chaos.service import Service, UpstreamProcess, wait_until
from tests.fakes.oss import FakeOss
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
