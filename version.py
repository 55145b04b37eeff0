"""Says which version is built from this directory; `hatchling` asks.

Why so: docs/decisions/0021-a-user-of-its-own.md.
"""

import os
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path

NEXT = "0.1.0"
"""The release that the commits since the last one lead to; raise it right after a release."""

EXPORTED = "$Format:%ct %H %D$"
"""`git archive` puts the commit's time, hash and names here."""

_RELEASE = re.compile(r"tag: v(\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?)(?=,|$)")


def version(
    root: Path = Path(__file__).parent,
    exported: str = EXPORTED,
    environ: Mapping[str, str] = os.environ,
) -> str:
    """Return the version of what is in ``root``: of its tag, else of its commit.

    Who builds may say it (``BUILD_VERSION``), then an sdist's own metadata, then `git archive`, then git.
    Where nobody knows, it is ``NEXT.dev0``, below whatever has a name.
    """
    if environ.get("BUILD_VERSION"):
        return environ["BUILD_VERSION"]
    metadata = root / "PKG-INFO"
    if metadata.exists():
        return HeaderParser().parsestr(metadata.read_text("utf-8"))["Version"]
    commit = _git(root) if exported.startswith("$") else exported
    return _of(commit) if commit else f"{NEXT}.dev0"


def _of(commit: str) -> str:
    """Return the version of a commit from its ``time hash names``; a shallow clone knows these too."""
    time, digest, names = f"{commit.strip()} ".split(" ", 2)
    releases = _RELEASE.findall(names.strip())
    if releases:
        return max(releases, key=_rank)
    return f"{NEXT}.dev{datetime.fromtimestamp(int(time), UTC):%Y%m%d%H%M%S}+g{digest[:10]}"


def _rank(release: str) -> tuple[list[int], bool, str]:
    """Return what releases are compared by: a final one comes after its candidates."""
    numbers, candidate = re.fullmatch(r"([\d.]+)(.*)", release).groups()
    return [int(number) for number in numbers.split(".")], not candidate, candidate


def _git(root: Path) -> str:
    """Return what git says about the commit that is checked out; nothing where there is none, or no git."""
    if not (root / ".git").exists():  # another repository may be around it
        return ""
    # An installation by root reads a checkout of somebody else, which git refuses by default.
    command = ["git", "-c", "safe.directory=*", "-C", str(root), "log", "-1", "--decorate-refs=refs/tags"]
    try:
        ended = subprocess.run(
            [*command, "--format=%ct %H %D"], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout
