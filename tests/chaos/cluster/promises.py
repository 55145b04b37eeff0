"""The oracle of a cluster: what must hold for its database, the ledger, and the answers of each node."""

import hashlib
import time
from collections import Counter

import attrs

from tests.chaos.cluster.fleet import DEAD_AFTER_SECONDS
from tests.chaos.promises import Promises, check_none
from tests.chaos.service import PATIENCE, wait_until

MAX_STUCK_SECONDS = DEAD_AFTER_SECONDS + 30
"""How long a task may stay without an end once all that was broken is healed."""

ENDS = {"completed", "outcome_unknown"}

EVERYWHERE = 10
"""How many of the newest images are read from each node; the others are read from one."""


@attrs.define
class FleetPromises(Promises):
    """The promises of `Promises`; its ``service`` is the `Fleet`."""

    observed: Counter = attrs.field(factory=Counter)

    def keep(self, callers):
        """Add what the nodes told these clients."""
        self.acknowledged |= {task_id for task_id, _ in callers.acknowledged}
        self.completed |= {task_id for task_id, _ in callers.completed}
        self.observed += callers.errors

    def ends(self):
        """Return how many tasks ended in which way."""
        rows = self.service.rows("SELECT coalesce(failure ->> 'code', status) AS ending FROM tasks")
        return dict(Counter(row["ending"] for row in rows))

    def check(self):
        """Let the nodes finish their work, then check everything."""
        check_none(self.observed, "answered wrongly")
        self.check_every_change()  # a wrong one may be why a task never ends
        super().check()
        self.check_one_task_a_key()
        self.check_every_change()
        check_none(self.ends().keys() - ENDS, "ended although nobody cancels, and the provider fails nothing")

    def check_every_task_ends(self):
        sql = "SELECT count(*) FROM tasks WHERE status IN ('pending', 'processing')"
        wait_until(
            lambda: self.service.rows(sql)[0][0] == 0,
            awaited="the end of all tasks",
            seconds=MAX_STUCK_SECONDS,
            pause=0.1,
        )

    def check_last_events(self):
        sql = """
            SELECT task_id, status, (
                SELECT string_agg(kind, ',') FROM events
                WHERE events.task_id = tasks.task_id AND kind NOT IN ('progress', 'image')
            ) AS ends FROM tasks
        """

        wrong = [tuple(row) for row in self.service.rows(sql) if row["ends"] != row["status"]]
        check_none(wrong, "an end without its event, or with two")

    def check_every_change(self):
        """Also what was changed back later, or is as it should be by chance."""
        rows = self.service.rows("SELECT deed, task_id, before, after FROM witness.violations")

        check_none([tuple(row) for row in rows[:5]], f"{len(rows)} times, such as")

    def check_one_task_a_key(self):
        sql = "SELECT task_id FROM tasks WHERE task_id NOT IN (SELECT task_id FROM idempotency_keys)"
        keyless = {row["task_id"] for row in self.service.rows(sql)}

        check_none(keyless - self.acknowledged, "made beside the task of a key")

    def check_images(self):
        images = self.service.rows("SELECT id, task_id, sha256 FROM images ORDER BY id DESC")
        nodes = self.service.living

        readings = {(node, row) for node in range(len(nodes)) for row in range(min(len(images), EVERYWHERE))}
        readings |= {(row % len(nodes), row) for row in range(len(images))}
        broken = [
            (nodes[n].url, images[row]["id"]) for n, row in readings if not _shows(nodes[n], images[row])
        ]
        check_none(broken, "images that a node cannot show, or with other bytes")
        completed = {task_id for task_id, (status, *_) in self.ended.items() if status == "completed"}
        check_none(completed - {row["task_id"] for row in images}, "completed without an image")
        check_none(self.completed - completed, "seen as completed, and no longer so")

    def check_inputs(self):
        """What callers sent is kept with the task, in the database."""
        sql = """
            SELECT input ->> 'key' AS key
            FROM tasks, jsonb_path_query(inputs::jsonb, '$.** ? (exists(@.sha256))') AS input
            WHERE input ->> 'image_id' IS NULL AND input ->> 'sha256' IS DISTINCT FROM (
                SELECT encode(sha256(string_agg(content, '' ORDER BY starts_at)), 'hex')
                FROM files JOIN file_chunks USING (file_id)
                WHERE store = 'inputs' AND key = input ->> 'key'
            )
        """
        check_none([row["key"] for row in self.service.rows(sql)], "inputs that were lost, or changed")

    def check_uploads(self):
        """Wait until the bucket has every image, and nothing of them is left in the database."""
        missing = "SELECT count(*) FROM images WHERE storage = 'local'"
        wait_until(
            lambda: self.service.rows(missing)[0][0] == 0, awaited="all images in the bucket", pause=0.2
        )

        rows = self.service.rows("SELECT blob_key, sha256 FROM images")
        objects = {
            key: hashlib.sha256(stored.data).hexdigest()
            for key, stored in self.service.bucket.objects.items()
        }
        wrong = [row["blob_key"] for row in rows if objects.get(row["blob_key"]) != row["sha256"]]
        check_none(wrong, "images that the bucket does not have")

    def check_nothing_is_left_over(self):
        swept = time.monotonic() + DEAD_AFTER_SECONDS + PATIENCE / 2
        wait_until(
            lambda: not self.leftovers() or time.monotonic() > swept, awaited="a clean database", pause=0.2
        )

        check_none(self.leftovers(), "left over")

    def leftovers(self):
        """Return spooled files and unfinished attempts that will never be used again."""
        spooled = "SELECT DISTINCT split_part(key, '/', 1) AS owner FROM files WHERE store = 'spool'"
        owners = [row["owner"] for row in self.service.rows(f"{spooled} AND key IS NOT NULL")]
        unfinished = """
            SELECT attempt_id, phase FROM attempts JOIN tasks USING (task_id)
            WHERE phase IN ('reserved', 'submitting', 'accepted', 'received')
                AND status NOT IN ('pending', 'processing')
        """
        attempts = [f"attempt {row['attempt_id']} {row['phase']}" for row in self.service.rows(unfinished)]
        return [owner for owner in owners if self._needless(owner)] + attempts

    def _needless(self, owner):
        """Return whether nobody will use what an owner spooled; late answers are kept for the operator."""
        task_id, _, attempt_id = owner.partition(".")
        if attempt_id.endswith(".late"):
            return False
        if attempt_id:
            sql = "SELECT failure ->> 'code' AS code FROM attempts WHERE attempt_id = $1"
            codes = {row["code"] for row in self.service.rows(sql, attempt_id)}
            return not codes & {"storage_failed", "internal"}
        return self.ended.get(task_id, ("missing",))[0] in ("missing", "completed")

    def check_database(self):
        """What PostgreSQL promises, PostgreSQL checks: foreign keys, unique keys."""


def _shows(node, row):
    """Return whether the node shows an image, with its bytes, and its thumbnail."""
    with node.client() as client:
        image = client.get(f"/api/v1/images/{row['id']}/content")
        thumbnail = client.get(f"/api/v1/images/{row['id']}/thumbnail")
    return hashlib.sha256(image.content).hexdigest() == row["sha256"] and thumbnail.is_success
