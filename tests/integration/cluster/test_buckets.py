"""The nodes of a database own the prefix of their bucket together."""

import pytest

from tests.fakes import s3_servers
from tests.integration.api.asking import IMAGES, data, make_image, until
from tests.integration.cluster.test_operators import doctor

pytestmark = pytest.mark.one_python


@pytest.fixture(params=["s3", "oss"])
def storage(request, nodes):
    """The settings of a bucket, and the port of its server."""
    if request.param == "oss":
        yield {"oss": {**nodes.config["storage"]["oss"], "prefix": "cluster/"}}, nodes.oss.port
        return
    with s3_servers.localbucket() as port:
        names = {"endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1", "bucket": s3_servers.BUCKET}
        keys = {"access_key_id": s3_servers.KEY_ID, "access_key_secret": s3_servers.SECRET}
        yield {"s3": {**names, **keys, "prefix": "cluster/"}}, port


@pytest.fixture
def start(nodes, storage):
    """Start a node whose images go there."""
    settings, port = storage
    upstreams = nodes.config["security"]["allow_private_upstreams"]

    def begin(**config):
        security = {"allow_private_upstreams": [*upstreams, f"127.0.0.1:{port}"]}
        return nodes.start(storage={"local": None, **settings}, security=security, **config)

    return begin


def storage_of(client, image):
    return data(client.get(f"{IMAGES}/{image['id']}"))["storage"]


def test_nodes_share_a_prefix(start):
    """What one has stored in the bucket another reads from there."""
    with start().client() as one, start().client() as other:
        image = make_image(one, "a lighthouse")
        content = other.get(image["image_url"])

        assert ("oss", image["size_bytes"]) == (storage_of(one, image), len(content.content))
        assert "oss" == storage_of(other, make_image(other, "a ship"))


def test_two_clusters_do_not(start, storage, postgresql, postgresql_template):
    """The second one keeps its images in its database; its health, its log and its doctor say why."""
    (name,) = storage[0]
    elsewhere = f"elsewhere_{name}"
    postgresql.create_database(elsewhere, f"TEMPLATE {postgresql_template}")
    postgresql.run("UPDATE installation SET id = 'another'", elsewhere)
    first, second = start(), start(database=postgresql.dsn(elsewhere))
    with first.client() as one, second.client() as other:
        make_image(one, "a lighthouse")
        image = make_image(other, "a ship")
        health = until(lambda: other.get("/health").json()["checks"][name], lambda check: check["failing"])

        assert ("local", 200) == (storage_of(other, image), other.get(image["image_url"]).status_code)
    (code, checks), (_, own) = doctor(second), doctor(first)

    assert (1, "fail", "ok") == (code, checks[name][0], own[name][0])
    for text in (health["last_error"], second.log, checks[name][1]):
        assert "another installation" in text or "另一个安装" in text
