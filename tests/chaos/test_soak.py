"""`./run soak` itself, for twenty seconds."""

import json
import subprocess
import sys

import attrs
import pytest

from tests.chaos.service import ROOT
from tests.soak.stage import Stage


@pytest.mark.timeout(600)
def test_a_short_soak_keeps_every_promise(tmp_path, measured):
    """Load, faults, a restart, the checks and a report; too short to measure growth."""
    report = tmp_path / "soak.md"
    command = ["-m", "tests.soak", "--minutes", "0.3", "--seed", "4", "--work-dir", tmp_path]

    done = subprocess.run(
        [sys.executable, *command, "--report", report, "--no-full-disk"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    text = report.read_text()
    assert "Every promise held." in text
    assert "<svg" in report.with_suffix(".svg").read_text()
    measured(next(line for line in text.splitlines() if "acknowledged" in line))


@pytest.fixture
def live(tmp_path):
    """Return a stage of the soak on which one task has completed."""
    stage = Stage.make(tmp_path / "stage", filling=False)
    try:
        stage.calm()
        stage.start()
        task_id = stage.service.submit()
        stage.service.ended(task_id)
        stage.promises.acknowledged.add(task_id)
        yield stage
    finally:
        stage.destroy()


def test_correct_work_breaks_no_promise(live):
    """So the next test finds only what it breaks itself."""
    assert [] == live.promises.broken_at_the_end(live)


def test_broken_promises_are_reported(live):
    """A lost task, a second charge, stray files and a client's observation each have their sentence."""
    (charge,) = live.sync.charges()
    with live.sync.ledger.open("a") as ledger:
        ledger.write(f"{json.dumps(attrs.asdict(charge))}\n")
    live.promises.acknowledged.add("a-task-that-is-gone")
    live.promises.seen_broken.append("one key, two tasks")
    live.service.data_dir.joinpath("images", "stray.png").write_bytes(b"nobody's")
    live.service.data_dir.joinpath("images", "half~").write_bytes(b"half")

    broken = live.promises.broken_at_the_end(live)

    assert [
        "one key, two tasks",
        "acknowledged and lost",
        "an attempt paid twice",
        "on the disk without a record",
        "left over",
    ] == [sentence.partition(":")[0] for sentence in broken]


def test_a_caller_that_fails_breaks_the_run(live):
    """A run that has lost its clients or its sampler must not pass."""
    live.thread(lambda: {}["no such key"]).join(30)

    (broken,) = live.promises.broken_at_the_end(live)

    assert "the soak itself failed" in broken
    assert "no such key" in broken


def test_a_stray_object_is_reported(live):
    """Every object in the bucket costs money each month."""
    with live.service.client() as client:
        client.post("/api/v1/storage/sync", json={}).raise_for_status()
    live.oss.objects["soak/stray.png"] = next(iter(live.oss.objects.values()))

    broken = live.promises.broken_at_the_end(live)

    assert ["in the bucket without a record: ['stray.png']"] == broken
