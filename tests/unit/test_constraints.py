"""What is installed is what was tested: every dependency, of every extra and platform, at one version."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[0-9][0-9a-z.!+-]*)( ; .+)?")


def lines():
    text = (ROOT / "constraints.txt").read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def declared():
    """Return the normal form of each name that pyproject.toml mentions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [need for group in project["optional-dependencies"].values() for need in group]
    names = (re.match(r"[A-Za-z0-9._-]+", need)[0] for need in (*project["dependencies"], *extras))
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def test_every_line_pins_exactly_one_version():
    """No range, no address, no path, nothing that could be replaced elsewhere under the same name."""
    assert [] == [line for line in lines() if PINNED.fullmatch(line) is None]


def test_nothing_is_pinned_twice():
    """Two versions of a name are allowed for different platforms only."""
    bare = [PINNED.fullmatch(line)["name"] for line in lines() if " ; " not in line]

    assert len(set(bare)) == len(bare)


def test_every_declared_dependency_is_pinned():
    """Those of the service, its extras and its tests."""
    assert set() == declared() - {PINNED.fullmatch(line)["name"] for line in lines()}
