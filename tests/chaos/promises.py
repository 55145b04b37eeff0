"""The oracle: what must hold for a data directory, the provider's ledger and the responses to clients."""

import hashlib
import itertools
import os
import time
from collections import Counter
from pathlib import Path

import attrs

from tests.chaos.service import PATIENCE, Service, wait_until

SWEPT_SECONDS = 10
"""How long after a start the remains of an earlier process may still exist."""

REMOVED_SECONDS = 2
"""How long after the end of a task its response may still exist: it is removed once the end is on disk."""

_UNFINISHED = "('reserved', 'submitting', 'accepted', 'received')"
_NOT_STORED = ("storage_failed", "internal")
_UNUSABLE = ("bad_response", "download_failed", "invalid_image")


@attrs.define
class Promises:
    """Records what was promised to the clients of one data directory, across restarts of the service.

    Args:
        acknowledged: the ids that a client received in a 202.
        completed: the ids that a client saw as completed.
        blackouts: (from, until) on the monotonic clock, between a power cut and the end of the process. A
            real power cut would have ended it at once, so calls in that time do not count.
        free: providers that charge nothing and so have no ledger.
    """

    service: Service
    acknowledged: set = attrs.field(factory=set)
    completed: set = attrs.field(factory=set)
    blackouts: list = attrs.field(factory=list)
    free: tuple = ()
    ended: dict = attrs.field(factory=dict)

    def check(self):
        """Let the service finish its work, then check everything without using its API."""
        self.check_nothing_is_lost()
        self.check_every_task_ends()
        self.check_ends_are_final()
        self.check_last_events()
        self.check_money()
        self.check_images()
        self.check_nothing_is_left_over()
        self.check_inputs()
        self.check_database()

    def check_nothing_is_lost(self):
        present = {row["task_id"] for row in self.service.rows("SELECT task_id FROM tasks")}

        check_none(self.acknowledged - present, "acknowledged and lost")

    def check_every_task_ends(self):
        sql = "SELECT count(*) FROM tasks WHERE status IN ('pending', 'processing')"
        wait_until(
            lambda: self.service.rows(sql)[0][0] == 0, awaited="the end of all tasks", seconds=2 * PATIENCE
        )

    def check_ends_are_final(self):
        sql = "SELECT task_id, status, failure, completed_at FROM tasks"
        now = {row["task_id"]: tuple(row)[1:] for row in self.service.rows(sql)}

        changed = {i: (was, now.get(i)) for i, was in self.ended.items() if now.get(i) != was}
        check_none(changed, "an end that changed")
        self.ended = now

    def check_last_events(self):
        sql = """
            SELECT task_id, status, (SELECT group_concat(kind) FROM (
                SELECT kind FROM events WHERE task_id = tasks.task_id AND kind NOT IN ('progress', 'image')
            )) AS ends FROM tasks
        """

        wrong = [tuple(row) for row in self.service.rows(sql) if row["ends"] != row["status"]]
        check_none(wrong, "an end without its event, or with two")

    def check_money(self):
        sql = "SELECT attempts.*, provider_name FROM attempts JOIN tasks USING (task_id)"
        rows = [row for row in self.service.rows(sql) if row["provider_name"] not in self.free]
        attempts = {row["attempt_id"]: row for row in rows}
        charges = [charge for charge in self.service.upstream.charges() if not self._in_blackout(charge)]
        tokens = Counter(charge.token for charge in charges)

        check_none([token for token, number in tokens.items() if number > 1], "an attempt paid twice")
        check_none([token for token in tokens if token not in attempts], "paid for without a trace")
        free = [token for token in tokens if attempts[token]["charge"] == "none"]
        check_none(free, "paid for, and said to be free")
        parts = Counter((attempts[token]["task_id"], attempts[token]["part"]) for token in tokens)
        check_none([part for part, number in parts.items() if number > 1], "a request paid twice")
        stored = {row["attempt_id"] for row in attempts.values() if row["phase"] == "stored"}
        check_none(stored - tokens.keys(), "an image that nobody paid for: the ledger cannot be believed")

    def _in_blackout(self, charge):
        return any(start <= charge.at <= end for start, end in self.blackouts)

    def check_images(self):
        images = self.service.rows("SELECT task_id, blob_key, thumbnail_key, sha256 FROM images")
        root = self.service.data_dir / "images"
        broken = [
            row["blob_key"]
            for row in images
            if hashlib.sha256((root / row["blob_key"]).read_bytes()).hexdigest() != row["sha256"]
        ]
        check_none(broken, "images that changed")
        thumbnails = [path for row in images if (path := root / row["thumbnail_key"]).is_file()]
        check_none(
            [path for path in thumbnails if not _is_whole_webp(path.read_bytes())], "damaged thumbnails"
        )
        completed = {task_id for task_id, (status, *_) in self.ended.items() if status == "completed"}
        check_none(completed - {row["task_id"] for row in images}, "completed without an image")
        check_none(self.completed - completed, "seen as completed, and no longer so")

    def check_inputs(self):
        """What callers sent is kept with the task, by the sweep of the next start at the latest."""
        sql = """
            SELECT json_extract(input.value, '$.key') AS key, json_extract(input.value, '$.sha256') AS sha256
            FROM tasks, json_each(json_array(json_extract(inputs, '$.image'), json_extract(inputs, '$.mask')))
                AS input
            WHERE input.type = 'object' AND json_extract(input.value, '$.image_id') IS NULL
        """
        root = self.service.data_dir / "inputs"
        broken = [
            row["key"]
            for row in self.service.rows(sql)
            if not (root / row["key"]).is_file()
            or hashlib.sha256((root / row["key"]).read_bytes()).hexdigest() != row["sha256"]
        ]
        check_none(broken, "inputs that were lost, or changed")

    def check_nothing_is_left_over(self):
        swept = max(self.service.started + SWEPT_SECONDS, time.monotonic() + REMOVED_SECONDS)
        violations = self.leftovers()  # one clean look is enough: thumbnails are made all the while
        while violations and time.monotonic() < swept:
            time.sleep(0.1)
            violations = self.leftovers()

        check_none(violations, "left over")

    def leftovers(self):
        """Return temporary files, spooled files and unfinished attempts that will never be used again."""
        data = self.service.data_dir
        leftovers = [str(path.relative_to(data)) for path in paths_below(data) if _temporary(path.name)]
        spooled = [path.name for path in (data / "spool").glob("*")]
        leftovers += [name for name in spooled if self._needless(name)]
        sql = f"""
            SELECT attempt_id, phase FROM attempts JOIN tasks USING (task_id)
            WHERE phase IN {_UNFINISHED} AND status NOT IN ('pending', 'processing')
        """  # noqa: S608 - a constant
        return leftovers + [f"attempt {row['attempt_id']} {row['phase']}" for row in self.service.rows(sql)]

    def _needless(self, owner):
        """Return whether the spool directory is no longer needed.

        Inputs are kept elsewhere once their task has ended. A provider's response that could not be stored
        is kept for the operator, and one that could not be used for the caller.
        """
        task_id, *attempt = owner.split(".")
        if attempt:
            codes = _UNUSABLE if attempt[1:] == ["kept"] else _NOT_STORED
            sql = (
                f"SELECT 1 FROM attempts WHERE attempt_id = ? AND json_extract(failure, '$.code') IN {codes}"  # noqa: S608 - constants
            )
            return not self.service.rows(sql, attempt[0])
        return self.ended.get(task_id, ("missing",))[0] in ("missing", "completed", "failed", "cancelled")

    def check_database(self):
        findings = [row[0] for row in self.service.rows("PRAGMA integrity_check")]
        check_none([finding for finding in findings if finding != "ok"], "a damaged database")
        check_none(self.service.rows("PRAGMA foreign_key_check"), "rows without what they belong to")
        counted = dict(self.service.rows("SELECT status, count(*) FROM tasks GROUP BY status"))
        counters = dict(self.service.rows("SELECT name, value FROM counters"))
        wrong = [name for name in ("pending", "processing") if counters[name] != counted.get(name, 0)]
        check_none(wrong, "counters that lie")


def paths_below(folder):
    """Return all files and directories; unlike with `Path.rglob`, they may disappear meanwhile."""
    return [
        Path(directory, name) for directory, *names in os.walk(folder) for name in itertools.chain(*names)
    ]


def _temporary(name):
    return "~" in name or name.endswith(".tmp")


def check_none(violations, description):
    assert not violations, f"{description}: {violations}"


def _is_whole_webp(content):
    return content[8:12] == b"WEBP" and int.from_bytes(content[4:8], "little") + 8 == len(content)
