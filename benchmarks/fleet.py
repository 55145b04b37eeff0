"""Nodes of one cluster for a benchmark, as processes, with their PostgreSQL, bucket and upstream."""

import base64
import contextlib
import tempfile
import time
from pathlib import Path

import attrs
import httpx
import reports  # noqa: F401 - makes the checkout importable
from instant_upstream import DOCUMENT, InstantUpstream
from load import Callers, post
from stage import GENERATE, memory_mb, task

from tests.chaos.service import Service, wait_until
from tests.fakes.oss import FakeOss
from tests.fakes.postgresql import DURABLE, Cluster
from tests.processes import cpu_seconds

MASTER_KEY = base64.urlsafe_b64encode(bytes(32)).decode()
MODEL = "inline-small"
PROMPT = "a task ########"
DATABASE = "benchmark"
COMPLETED = "SELECT count(*) FROM tasks WHERE status = 'completed'"
STATEMENTS = r"""
SELECT calls, left(regexp_replace(query, '\s+', ' ', 'g'), 90) FROM pg_stat_statements
WHERE query NOT LIKE '%pg_stat_statements%' ORDER BY calls DESC
"""
POSTING_CALLERS = 8
PATIENCE_SECONDS = 600


@attrs.frozen
class Processor:
    """Seconds of processor time of the nodes, of the database, and of upstream, bucket and benchmark."""

    nodes: float
    database: float
    others: float

    def since(self, earlier):
        return Processor(
            self.nodes - earlier.nodes, self.database - earlier.database, self.others - earlier.others
        )

    @property
    def total(self):
        return self.nodes + self.database + self.others


@attrs.frozen
class Fleet:
    """Running nodes; every transaction of their database is durable before its caller goes on."""

    nodes: tuple
    server: Cluster
    upstream: InstantUpstream
    dsn: str

    @classmethod
    @contextlib.contextmanager
    def started(cls, number, *, workers, work_dir=None, counts_statements=False):
        """Start so many nodes with so many workers each, and all that they need; end all with the context."""
        with contextlib.ExitStack() as stack:
            folder = Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="imagegen-bench-", dir=work_dir))
            )
            upstream = stack.enter_context(InstantUpstream())
            bucket = stack.enter_context(FakeOss())
            more = {"shared_preload_libraries": "pg_stat_statements"} if counts_statements else {}
            server = stack.enter_context(
                Cluster.start(work_dir=work_dir, **DURABLE, shared_buffers="256MB", **more)
            )
            dsn = server.create_database(DATABASE)
            if counts_statements:
                server.run("CREATE EXTENSION pg_stat_statements", DATABASE)
            settings = _settings(dsn, upstream, bucket, workers)
            nodes = []
            for name in map(str, range(number)):
                (folder / name).mkdir()
                node = Service(
                    folder / name,
                    folder / name / "data",
                    upstream,
                    settings=settings,
                    environ={"IMAGEGEN_MASTER_KEY": MASTER_KEY},
                )
                stack.callback(node.kill)
                nodes.append(node.start())
            yield cls(tuple(nodes), server, upstream, dsn)

    def post(self, number, prompts=(PROMPT,)):
        """Post so many tasks to the first node, with each prompt in turn."""
        requests = [post(GENERATE, task(MODEL, prompt)) for prompt in prompts]
        with Callers.connected(self.nodes[0].url, requests, callers=POSTING_CALLERS, warm=False) as callers:
            assert number == callers.run(number=number).number

    def has_calls(self, number):
        """Wait until so many calls are held at the upstream."""
        self._reaches(self.upstream.running, number, "calls")

    def completes(self, number):
        """Wait until so many tasks are completed."""
        self._reaches(lambda: self.count(COMPLETED), number, "completed tasks")

    def count(self, query):
        return int(self.run(query)[0])

    def run(self, statement):
        """Run a statement in the database, and return the lines that it answers."""
        return self.server.run(statement, DATABASE)

    def forget_statements(self):
        """Begin to count the statements of the nodes anew."""
        self.run("SELECT pg_stat_statements_reset()")

    def statements(self):
        """Return how often each statement has run since then, the most frequent first."""
        rows = self.run(STATEMENTS)
        return {text: int(calls) for calls, _, text in (row.partition("|") for row in rows)}

    def memory_mb(self):
        """Return the memory of each node."""
        return [memory_mb(node.pid) for node in self.nodes]

    def processor(self):
        """Return the processor time of all until now."""
        upstream = cpu_seconds(self.upstream.process.pid)
        nodes = sum(cpu_seconds(node.pid) for node in self.nodes)
        server = cpu_seconds(self.server.pid)
        return Processor(nodes, server, upstream + time.process_time())

    def client(self):
        return httpx.Client(base_url=self.nodes[0].url, trust_env=False, timeout=PATIENCE_SECONDS)

    def _reaches(self, count, number, unit):
        wait_until(lambda: count() >= number, awaited=f"{number} {unit}", seconds=PATIENCE_SECONDS, pause=0.2)


def _settings(dsn, upstream, bucket, workers):
    provider = {"kind": "http", "api_base": upstream.url, "timeout_seconds": 600}
    oss = {"endpoint": bucket.endpoint, "region": bucket.region, "bucket": bucket.bucket}
    keys = {"access_key_id": bucket.key_id, "access_key_secret": bucket.secret}
    hosts = [address.removeprefix("http://") for address in (upstream.url, bucket.endpoint)]
    return {
        "database": dsn,
        "queue": {"workers": workers, "size": 1_000_000},
        "storage": {"local": None, "oss": {**oss, **keys}},
        "default_provider": "instant",
        "providers": {"instant": {**provider, "extra_config": {"spec": DOCUMENT}}},
        "security": {"allow_private_upstreams": hosts},
    }
