"""All nodes sweep the stores, one at a time: what has to be done is done once, whichever of them live."""

import hashlib
import json
from collections import Counter

import pytest

from imagegen_adapters.archives.prefix import OWNER_MARK
from imagegen_core.ports.blobs import THUMBNAIL_SUFFIX
from tests.integration.api.asking import IMAGES, data, make_image, until

IN_LINE = "SELECT node FROM places WHERE resource LIKE 'turn %' ORDER BY granted DESC, seq"

PROMPTS = ("a lighthouse", "a ship", "an island")


@pytest.fixture
def sweepers(nodes):
    """Two nodes that sweep each second."""
    storage = {**nodes.config["storage"], "sweep_minutes": 0.01}
    return [nodes.start(storage=storage) for _ in range(2)]


@pytest.fixture
def line(nodes, postgresql):
    """Return a function that names the node whose turn it is, and then those that wait for theirs."""
    database = nodes.config["database"].partition("?")[0].rpartition("/")[2]
    return lambda: postgresql.run(IN_LINE, database)


def both(names):
    return len(names) == 2


@pytest.fixture
def waiting_images(nodes, sweepers):
    """Images that were made while the bucket was down; it is up by now, and holds each upload."""
    nodes.oss.down()
    with sweepers[0].client() as client:
        images = [make_image(client, prompt) for prompt in PROMPTS]
    nodes.oss.fail("delay", "put", times=100)
    nodes.oss.up()
    return images


def name_of(node):
    with node.client() as client:
        return client.get("/health").json()["checks"]["cluster"]["node"]


def storages(client):
    return {image["storage"] for image in data(client.get(IMAGES))["items"]}


def counted(nodes, event, field):
    """Return the sum of a number that the nodes have logged."""
    lines = [json.loads(text) for node in nodes for text in node.log.splitlines() if text.startswith("{")]
    return sum(line[field] for line in lines if line["event"] == event)


def test_each_is_done_once(nodes, sweepers, waiting_images, line):
    """Although the second node wants to sweep while the first one uploads, or removes."""
    oss = nodes.oss
    with sweepers[0].client() as client:
        until(line, both)
        oss.release()
        until(lambda: storages(client), lambda states: states == {"oss"})
        images = (key for key in oss.calls("put") if key != OWNER_MARK and not key.endswith(THUMBNAIL_SUFFIX))
        uploads = Counter(images)
        oss.down()
        for image in waiting_images:
            data(client.delete(f"{IMAGES}/{image['id']}"))
        oss.fail("delay", "delete", times=100)
        oss.up()
        until(line, both)
        oss.release()
        until(lambda: [*oss.objects], lambda keys: keys == [OWNER_MARK])
        until(line, lambda names: names == [])  # the other has had its turn, too

    assert [1, 1, 1] == [*uploads.values()]
    assert {1} == {*Counter(oss.calls("delete")).values()}
    assert 3 == counted(sweepers, "stores synchronized", "uploaded")
    assert 3 == counted(sweepers, "local files expired", "count")


def test_another_node_goes_on_when_the_one_dies(nodes, sweepers, waiting_images, line):
    """It has the turn once the other counts as dead, and finishes what that has begun."""
    dying, waiting = until(line, both)
    by_name = {name_of(node): node for node in sweepers}
    by_name[dying].kill()
    until(line, lambda names: names[:1] == [waiting])
    nodes.oss.release()
    with by_name[waiting].client() as client:
        until(lambda: storages(client), lambda states: states == {"oss"})
        contents = [client.get(image["image_url"]).content for image in waiting_images]

    assert [image["sha256"] for image in waiting_images] == [
        hashlib.sha256(each).hexdigest() for each in contents
    ]
