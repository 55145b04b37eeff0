"""What is built to be installed elsewhere: an sdist whose tests run, a wheel that says what it is."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import version as versions
from tests.fakes.a1111 import FakeA1111
from tests.integration.api.held_upstream import behind, call_of
from tests.integration.api.live_server import IMAGEGEN, LiveServer, clean_environ

ROOT = Path(__file__).parents[2]


def built(source, target, folder, **environ):
    """Return the one file that is built."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder]
    environment = {**os.environ, "BUILD_VERSION": "", **environ}
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True, timeout=120)
    (file,) = folder.iterdir()
    return file


def git(*args, cwd):
    """Return what git prints, in nobody's name."""
    if shutil.which("git") is None:
        pytest.skip("git is missing; .ci/run installs it")
    keys = ("user.name=x", "user.email=x@x", "commit.gpgsign=false", "safe.directory=*")
    pairs = [part for key in keys for part in ("-c", key)]
    return subprocess.run(["git", *pairs, *args], cwd=cwd, check=True, capture_output=True, text=True).stdout


@pytest.fixture(scope="module")
def sdist(tmp_path_factory):
    """Unpacked."""
    file = built(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))
    folder = tmp_path_factory.mktemp("unpacked")
    with closing(tarfile.open(file)) as archive:
        archive.extractall(folder, filter="data")
    (top,) = folder.iterdir()
    return top


@pytest.fixture(scope="module")
def wheel(sdist, tmp_path_factory):
    """Built from the sdist, and open."""
    with zipfile.ZipFile(built(sdist, "wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        yield archive


@pytest.fixture(scope="module")
def metadata(wheel):
    """As a package index reads it."""
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Metadata.from_email(wheel.read(name), validate=True)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only git knows what it tracks")
def test_the_sdist_holds_what_git_tracks(sdist):
    """So whatever the tests read is in it, and nothing that lies about."""
    tracked = {name for name in git("ls-files", "-z", cwd=ROOT).split("\0") if name}
    shipped = {str(path.relative_to(sdist)) for path in sdist.rglob("*") if path.is_file()}

    assert {"PKG-INFO"} == shipped ^ {name for name in tracked if (ROOT / name).exists()}


def test_programs_stay_programs(sdist):
    """`./run` is the first command of the README."""
    assert [True] * 3 == [
        os.access(sdist / name, os.X_OK) for name in ("run", ".ci/run", "deploy/install.sh")
    ]


def test_the_wheel_holds_the_whole_packages(sdist, wheel):
    """Words, presets and schemas, too, without which no module of them is loaded."""
    files = {str(path.relative_to(sdist / "src")) for path in (sdist / "src").rglob("*") if path.is_file()}

    assert files <= set(wheel.namelist())


def test_the_wheel_has_the_readme_as_its_description(metadata):
    """Valid by the rules of a package index."""
    assert ("imagegen-service", "text/markdown") == (metadata.name, metadata.description_content_type)
    assert (ROOT / "README.md").read_text("utf-8").strip() == metadata.description.strip()


def test_a_wheel_from_the_sdist_has_its_version(sdist, metadata):
    """Which nothing but the sdist itself can tell there."""
    assert f"Version: {metadata.version}\n" in (sdist / "PKG-INFO").read_text("utf-8")


def checkout(folder):
    """Return a repository of one commit with what a build needs."""
    folder.mkdir()
    for name in ("pyproject.toml", "version.py", "README.md", "LICENSE", ".gitattributes"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    for package in ("imagegen_core", "imagegen_adapters", "imagegen_http"):
        (folder / "src" / package).mkdir(parents=True)
        (folder / "src" / package / "__init__.py").touch()
    git("init", "-q", cwd=folder)
    git("add", "-A", cwd=folder)
    git("commit", "-qm", "All", cwd=folder)
    return folder


def wheel_version(source, folder):
    folder.mkdir()
    return built(source, "wheel", folder).name.split("-")[1]


def test_a_tag_is_the_version_of_checkout_and_archive(tmp_path):
    """And without one the commit is, the same from both, also in a shallow clone."""
    source = checkout(tmp_path / "source")
    digest = git("rev-parse", "HEAD", cwd=source)[:10]
    git("clone", "-q", "--depth=1", source.as_uri(), tmp_path / "shallow", cwd=tmp_path)
    names = []
    for moment in ("untagged", "tagged"):
        if moment == "tagged":
            git("tag", "v9.8.7", cwd=source)
        archive = subprocess.run(
            ["git", "archive", "HEAD"], cwd=source, check=True, capture_output=True
        ).stdout
        with closing(tarfile.open(fileobj=io.BytesIO(archive))) as files:
            files.extractall(tmp_path / moment, filter="data")
        names.append(wheel_version(source, tmp_path / f"{moment}-checkout"))
        names.append(wheel_version(tmp_path / moment, tmp_path / f"{moment}-archive"))
    names.append(wheel_version(tmp_path / "shallow", tmp_path / "of-shallow"))
    untagged, archived, tagged, tagged_archived, shallow = names

    assert (f"g{digest}", untagged, untagged) == (untagged.partition("+")[2], archived, shallow)
    assert ["9.8.7"] * 2 == [tagged, tagged_archived]


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only git knows the tags")
def test_the_next_release_is_not_one_that_was():
    """After a release `NEXT` is raised, or later commits would sort before it."""
    head_tags = git("tag", "--points-at", "HEAD", cwd=ROOT).split()
    released = set(git("tag", cwd=ROOT).split()) - set(head_tags)

    assert f"v{versions.NEXT}" not in released


def test_all_that_tell_the_version_agree(tmp_path):
    """The command, `/health`, and what a provider is told, without the hash."""
    installed = version("imagegen-service")
    with FakeA1111() as upstream:
        server = LiveServer(tmp_path, behind(upstream)).start()
        try:
            with server.client() as api:
                call_of(api, upstream)
                health = api.get("/health").json()["version"]
        finally:
            server.end()
        agents = upstream.agents
    printed = subprocess.run(
        [IMAGEGEN, "--version"], env=clean_environ(), check=True, capture_output=True, text=True
    ).stdout

    assert (installed, f"imagegen, version {installed}") == (health, printed.strip())
    assert {f"imagegen/{installed.partition('+')[0]}"} == agents
