"""What runs in forks is reported as if this process had run it, also when a fork ends in the middle."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFTEST = """
import pytest
from tests.forks import run_in_forks

def pytest_runtestloop(session):
    return run_in_forks(session, 2)

@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")
"""
OUTCOMES = """
import os, pytest

def test_passes(shared):
    (shared / "a").touch()
    (shared.parents[1] / str(os.getpid())).touch()

def test_fails():
    print("what it printed")
    assert 1 == 2

@pytest.mark.skip(reason="so it says")
def test_is_skipped():
    pass

@pytest.fixture
def untidy():
    yield
    raise ValueError("not torn down")

def test_is_untidy(untidy):
    pass
"""
DEATH = """
import os

def test_before():
    pass

def test_dies():
    os._exit(7)

def test_after():
    pass
"""


def run(folder, *options, **files):
    """Run files of tests in two forks, and return the exit code and what was printed."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-c", "/dev/null", "--rootdir", folder, "-rs", *options]
    command += ["-p", "no:cacheprovider", "--basetemp", folder / "temporary", folder]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "" == result.stderr
    return result.returncode, result.stdout


def test_each_outcome_is_reported(tmp_path):
    """With what the test printed, the reason of a skip, and a fixture that fails in the end."""
    names = ("test_a", "test_b", "test_c")
    code, printed = run(tmp_path, conftest=CONFTEST, **dict.fromkeys(names, OUTCOMES))

    assert 1 == code
    assert "3 failed, 6 passed, 3 skipped, 3 errors" in printed
    assert 3 == printed.count("\nwhat it printed\n") == printed.count("ValueError: not torn down\n")
    assert "so it says" in printed
    assert {"0", "1"} >= {path.name.removeprefix("fork") for path in (tmp_path / "temporary").glob("fork*")}
    assert len([path for path in (tmp_path / "temporary").iterdir() if path.name.isdigit()]) in (1, 2)


def test_a_fork_that_ends_is_a_failure_of_its_test(tmp_path):
    """Its other tests did not run, and the other fork's did."""
    code, printed = run(tmp_path, conftest=CONFTEST, test_a=DEATH, test_b=OUTCOMES)

    assert 1 == code
    assert "test_a.py::test_dies __" in printed
    assert "the process that ran it ended with 7; what else was that one's to run, did not run" in printed
    assert "2 failed, 3 passed, 1 skipped, 1 error" in printed


def test_enough_failures_end_all(tmp_path):
    """As ``-x`` says."""
    code, printed = run(tmp_path, "-x", conftest=CONFTEST, test_a=OUTCOMES, test_b="def test_it(): pass")

    assert 1 == code
    assert "stopping after 1 failures" in printed
    assert "ValueError" not in printed
