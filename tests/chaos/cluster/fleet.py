"""Nodes of one cluster, each a process with a directory of its own, and what they share."""

import asyncio
import base64
import contextlib
from pathlib import Path

import asyncpg
import attrs

from tests.chaos.cluster.link import Link
from tests.chaos.disk import Disk
from tests.chaos.service import Service, UpstreamProcess
from tests.fakes.oss import FakeOss
from tests.fakes.postgresql import DURABLE, Cluster, at_port, free_port, hand_over

NAME = "pictures"
"""The database, and the role that owns it: rights can be taken from no superuser."""

DEAD_AFTER_SECONDS = 6
HEARTBEAT_SECONDS = 1
MAX_STARTS = 20
WORKERS = 8
QUEUE_SIZE = 50
"""What is accepted before is done in seconds, so a task that takes longer is stuck."""

WITNESS = Path(__file__).with_name("witness.sql")

MASTER_KEY = base64.urlsafe_b64encode(bytes(32)).decode()


@attrs.define
class Fleet:
    """``primary`` is the server that holds the truth now, ``links`` lead each node to it."""

    folder: Path
    upstream: UpstreamProcess
    bucket: FakeOss
    primary: Cluster
    nodes: list = attrs.field(factory=list)
    links: list = attrs.field(factory=list)
    _stack: contextlib.ExitStack = attrs.field(factory=contextlib.ExitStack)

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder):
        """Start the database, the bucket and the provider; end all, and the nodes, with the context."""
        with contextlib.ExitStack() as stack:
            upstream = UpstreamProcess(folder / "ledger").start()
            stack.callback(upstream.end)
            bucket = stack.enter_context(FakeOss())
            primary = stack.enter_context(Cluster.start(**DURABLE, **at_port(free_port())))
            primary.run(f"CREATE ROLE {NAME} LOGIN")
            primary.create_database(NAME, "OWNER", NAME)
            fleet = cls(folder, upstream, bucket, primary)
            stack.enter_context(fleet._stack)
            yield fleet

    def add(self, number=1, **service):
        """Start nodes, each of which reaches the database by a link of its own; return the last one."""
        for _ in range(number):
            link = self._stack.enter_context(Link(self.primary.port))
            self.links.append(link)
            node = self.add_at(f"127.0.0.1:{link.port}", **service)
        return node

    def add_at(self, hosts, *, options="", **service):
        """Start a node that reaches the database at these hosts, and return it."""
        folder = self.folder / f"node{len(self.nodes) + 1}"
        folder.mkdir()
        url = f"postgresql://{NAME}@{hosts}/{NAME}{options}"
        environ = {"IMAGEGEN_MASTER_KEY": MASTER_KEY, **service.pop("environ", {})}
        node = Service(
            folder,
            folder / "data",
            self.upstream,
            settings=self._settings(url),
            environ=environ,
            is_warm=True,
            **service,
        )
        self._stack.callback(node.kill)
        self.nodes.append(node)
        node.start()
        if len(self.nodes) == 1:  # it has made the tables
            self.primary.run(WITNESS.read_text(), NAME)
        return node

    def restart(self, node):
        """Start a node as a supervisor does: again, if it ends since its database is down."""
        for _ in range(MAX_STARTS):
            with contextlib.suppress(AssertionError):
                return node.start()
        return node.start()

    def start_standby(self):
        """Return a standby, without which the primary acknowledges nothing from now on."""
        standby = self._stack.enter_context(self.primary.standby(**at_port(free_port())))
        self.primary.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.run("SELECT pg_reload_conf()")
        return standby

    def move_to_disk(self, *, megabytes):
        """Return a small disk that holds the tables from now on; the log of transactions stays."""
        disk = Disk.make(self.primary.folder, megabytes=megabytes)
        self._stack.callback(disk.destroy)
        hand_over(disk.mount_point)
        self.primary.run(f"CREATE TABLESPACE small LOCATION '{disk.mount_point}'")
        self.primary.run(f"ALTER DATABASE {NAME} SET TABLESPACE small")
        return disk

    def disconnect(self):
        """End all connections of the nodes to the database."""
        self.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1", NAME)

    @property
    def living(self):
        return [node for node in self.nodes if node.alive]

    def rows(self, sql, *values):
        """Return the rows of a query, asked without a node."""
        return asyncio.run(self._rows(sql, values))

    async def _rows(self, sql, values):
        connection = await asyncpg.connect(self.primary.dsn(NAME))
        try:
            return await connection.fetch(sql, *values)
        finally:
            await connection.close()

    def _settings(self, url):
        bucket = self.bucket
        oss = {"endpoint": bucket.endpoint, "region": bucket.region, "bucket": bucket.bucket}
        keys = {"access_key_id": bucket.key_id, "access_key_secret": bucket.secret}
        hosts = [address.removeprefix("http://") for address in (self.upstream.url, bucket.endpoint)]
        return {
            "database": url,
            "queue": {"workers": WORKERS, "size": QUEUE_SIZE},
            "cluster": {"heartbeat_seconds": HEARTBEAT_SECONDS, "dead_after_seconds": DEAD_AFTER_SECONDS},
            "shutdown_grace_seconds": 5,
            "storage": {"local": None, "oss": {**oss, **keys}, "sweep_minutes": 0.05},
            "security": {"allow_private_upstreams": hosts},
        }
