"""Commits that installations of long ago were made from."""

import subprocess

import pytest

from tests.deploy.machine import ROOT

INSTALLER = "deploy/install.sh"


def installed_before():
    """Return the commit of 50 ago, or, where that had no install.sh yet, the first that did."""
    return _fifty_ago() if _has_installer(_fifty_ago()) else _first_with_installer()


def by_hand():
    """Return the commit of 50 ago, or, where that had an install.sh, the last that had none.

    Its page told how to install the unit by hand, with a user that systemd makes up.
    """
    return f"{_first_with_installer()}^" if _has_installer(_fifty_ago()) else _fifty_ago()


def _fifty_ago():
    return _git("rev-list", "--max-count=1", "--skip=50", "HEAD") or _skip()


def _first_with_installer():
    return _git("log", "--diff-filter=A", "--format=%H", "--", INSTALLER).split()[-1]


def _has_installer(commit):
    return bool(_git("ls-tree", "--name-only", commit, INSTALLER))


def _git(*arguments):
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else _skip()


def _skip():
    pytest.skip("what was installed long ago is taken from git's history, which is not here")
