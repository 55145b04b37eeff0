"""What happens to a cluster: each breaks something at a random moment, and has healed it when it returns."""

import signal
import time
from random import Random

import attrs

from tests.chaos.cluster.fleet import DEAD_AFTER_SECONDS, NAME, Fleet
from tests.chaos.cluster.link import CUT, DEAF, STALLED
from tests.chaos.service import Service, wait_until

STALLED_JOBS = 4
"""How many a node polls at least that is frozen until another one polls them."""


@attrs.frozen
class Scene:
    """Where a fault happens: a cluster, and the node that it may strike."""

    fleet: Fleet
    node: Service
    chance: Random

    @property
    def link(self):
        return self.fleet.links[self.fleet.nodes.index(self.node)]

    def wait(self, shortest, longest):
        time.sleep(self.chance.uniform(shortest, longest))


def node_killed(scene):
    """A node dies; the others have its tasks before it is back, or after."""
    scene.node.kill()
    scene.wait(0, 2 * DEAD_AFTER_SECONDS)
    scene.fleet.restart(scene.node)


def node_killed_twice(scene):
    """A node dies again while it starts."""
    scene.node.kill()
    scene.node.launch()
    scene.wait(0.2, 2)
    scene.node.kill()
    scene.fleet.restart(scene.node)


def node_frozen(scene):
    """A node stands still, mostly for longer than others wait for it, and goes on where it was."""
    scene.node.signal(signal.SIGSTOP)
    scene.wait(0.5 * DEAD_AFTER_SECONDS, 2 * DEAD_AFTER_SECONDS)
    scene.node.signal(signal.SIGCONT)


def node_outlived(scene):
    """A node stands still until another one polls a job of it; then both hear that it is done.

    The provider takes its time for the jobs of that node, and not for others, so workers become free.
    """
    with scene.node.client() as client:
        name = client.get("/health").json()["checks"]["cluster"]["node"]
    try:
        wait_until(lambda: len(_stalled_jobs(scene.fleet, name)) >= STALLED_JOBS, awaited="jobs of a node")
        tasks = _stalled_jobs(scene.fleet, name)
        scene.node.signal(signal.SIGSTOP)
        sql = "SELECT 1 FROM tasks WHERE task_id = ANY($1) AND status = 'processing' AND owner <> $2"
        wait_until(lambda: scene.fleet.rows(sql, tasks, name), awaited="a job that another node polls")
    finally:
        scene.node.signal(signal.SIGCONT)
        scene.fleet.upstream.be(stalled=[])


def _stalled_jobs(fleet, node):
    """Return the tasks whose jobs a node polls, all of which take until nothing is stalled any more."""
    sql = """
        SELECT task_id, job ->> 'id' AS job FROM tasks JOIN attempts USING (task_id)
        WHERE owner = $1 AND status = 'processing' AND phase = 'accepted'
    """
    rows = fleet.rows(sql, node)
    fleet.upstream.be(stalled=[row["job"] for row in rows])
    return [row["task_id"] for row in rows]


def node_replaced(scene):
    """A node stops as it should, as for an upgrade, and another process starts."""
    assert scene.node.stop() == 0, scene.node.log[-2000:]
    scene.fleet.restart(scene.node)


def link_cut(scene):
    """A node's connections to the database are reset, and new ones, too."""
    with scene.link.broken(CUT):
        scene.wait(0.1, 2 * DEAD_AFTER_SECONDS)


def link_stalled(scene):
    """What a node sends arrives only when others may have its tasks."""
    with scene.link.broken(STALLED):
        scene.wait(0.5, 2 * DEAD_AFTER_SECONDS)


def link_deaf(scene):
    """A node's statements are committed and it does not hear of it; then they are reset."""
    link = scene.link
    with link.broken(DEAF):
        scene.wait(0.1, DEAD_AFTER_SECONDS)
        link.become(CUT)
        scene.wait(0, 1)


def database_restarted(scene):
    """The database is stopped as an operator does it, which ends its connections, and started again."""
    with scene.fleet.primary.stopped():
        scene.wait(0, 1)


def database_aborted(scene):
    """The database is stopped at once (``pg_ctl stop -m immediate``), and has to recover."""
    with scene.fleet.primary.stopped("immediate"):
        scene.wait(0, 1)


def database_crashed(scene):
    """All of its processes are killed, and it recovers."""
    scene.fleet.primary.kill()
    scene.wait(0, 2)
    scene.fleet.primary.resume()


def database_read_only(scene):
    """As a primary that became a standby, for all that connects again."""
    scene.fleet.primary.run(f"ALTER DATABASE {NAME} SET default_transaction_read_only = on")
    scene.fleet.disconnect()
    scene.wait(1, DEAD_AFTER_SECONDS)
    scene.fleet.primary.run(f"ALTER DATABASE {NAME} RESET ALL")
    scene.fleet.disconnect()


def rights_lost(scene):
    """The role may read, and write nothing."""
    rights = "INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public"
    scene.fleet.primary.run(f"REVOKE {rights} FROM {NAME}", NAME)
    scene.wait(1, DEAD_AFTER_SECONDS)
    scene.fleet.primary.run(f"GRANT {rights} TO {NAME}", NAME)


def bucket_down(scene):
    """The bucket refuses connections."""
    scene.fleet.bucket.down()
    scene.wait(1, DEAD_AFTER_SECONDS)
    scene.fleet.bucket.up()


FAULTS = (
    node_killed,
    node_killed_twice,
    node_frozen,
    node_outlived,
    node_replaced,
    link_cut,
    link_stalled,
    link_deaf,
    database_restarted,
    database_aborted,
    database_crashed,
    database_read_only,
    rights_lost,
    bucket_down,
)
