"""Real nodes over one PostgreSQL and one bucket, each a process with a data directory of its own."""

import contextlib
import itertools

import attrs
import pytest
from cryptography.fernet import Fernet

from tests.fakes.a1111 import FakeA1111
from tests.fakes.oss import FakeOss
from tests.fakes.postgresql import USER
from tests.integration.api.held_upstream import behind
from tests.integration.api.live_server import LiveServer

PASSWORD = "a-password-of-the-database"
"""The server wants none, but what is in the settings is a secret all the same."""

TOKEN = "a-token-of-all-nodes"
KEY = Fernet.generate_key().decode()
_numbers = itertools.count()


@attrs.define(kw_only=True)
class Nodes:
    """Starts nodes of one cluster."""

    folder: object
    oss: FakeOss
    upstream: FakeA1111
    config: dict
    started: list = attrs.field(factory=list)

    def make(self, *, key=KEY, **config):
        """Return a node that is not started."""
        folder = self.folder / f"node{len(self.started)}"
        folder.mkdir()
        server = LiveServer(folder, environ={"IMAGEGEN_MASTER_KEY": key})
        server.configure({**self.config, **config})
        self.started.append(server)
        return server

    def start(self, **config):
        return self.make(**config).start()


def node_config(dsn, oss, *, security=None, **config):
    """Return the settings of a node on a database and a bucket."""
    bucket = {"endpoint": oss.endpoint, "region": oss.region, "bucket": oss.bucket}
    upstreams = (security or {}).get("allow_private_upstreams", [])
    return {
        "database": dsn,
        "cluster": {"heartbeat_seconds": 0.2, "dead_after_seconds": 2},
        "storage": {
            "local": None,
            "oss": {**bucket, "access_key_id": oss.key_id, "access_key_secret": oss.secret},
        },
        "security": {"allow_private_upstreams": [f"127.0.0.1:{oss.port}", *upstreams]},
        **config,
    }


@contextlib.contextmanager
def starting(postgresql, template, folder):
    """Yield what starts nodes on a database of their own, and end them."""
    name = f"cluster{next(_numbers)}"
    postgresql.create_database(name, f"TEMPLATE {template}")
    with FakeOss() as oss, FakeA1111() as upstream:
        dsn = postgresql.dsn(name, user=f"{USER}:{PASSWORD}")
        config = node_config(dsn, oss, **behind(upstream), shutdown_grace_seconds=0)
        nodes = Nodes(folder=folder, oss=oss, upstream=upstream, config=config)
        try:
            yield nodes
        finally:
            upstream.hold.set()
            oss.release()
            for server in nodes.started:
                server.end()


@pytest.fixture
def nodes(postgresql, postgresql_template, tmp_path):
    """What starts nodes for one test."""
    with starting(postgresql, postgresql_template, tmp_path) as nodes:
        yield nodes
