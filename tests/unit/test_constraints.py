"""What is installed is what was tested: every dependency, of every extra and platform, at one version."""

import re
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement

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
    return {_normal(name) for name in names}


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


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


def test_every_dependency_of_the_service_is_used():
    """What nothing imports is not installed on everybody's machine; some are for other machines than this."""
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    requirements = [need for need in map(Requirement, needs) if need.marker is None or need.marker.evaluate()]
    dependencies = {_normal(need.name) for need in requirements}
    code = "\n".join(path.read_text("utf-8") for path in (ROOT / "src").rglob("*.py"))
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", code, re.MULTILINE))
    imported |= set(re.findall(r"_installed\(\"(\w+)\"\)", code))
    used = {
        _normal(name)
        for module, names in packages_distributions().items()
        if module in imported
        for name in names
    }

    assert set() == dependencies - used
