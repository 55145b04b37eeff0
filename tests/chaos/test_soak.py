"""`./run soak` itself, for twenty seconds."""

import subprocess
import sys

import pytest

from tests.chaos.service import ROOT


@pytest.mark.timeout(600)
def test_a_short_soak_keeps_every_promise(tmp_path, measured):
    """Load, faults, a restart, the checks and a report; so little time says nothing of growth."""
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
    told = report.read_text()
    assert "Every promise held." in told
    assert "<svg" in report.with_suffix(".svg").read_text()
    measured(next(line for line in told.splitlines() if "acknowledged" in line))
