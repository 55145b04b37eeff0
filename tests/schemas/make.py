"""Make the data directories of schemas that have none yet: ``python -m tests.schemas.make [NAME ...]``.

Each is left by the code of its time: the last commit whose migrations end with that name, or, for the newest,
the working tree. With names, these are made again.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.chaos.service import ROOT, Service, UpstreamProcess
from tests.fakes.oss import FakeOss
from tests.schemas import scene
from tests.schemas.directories import NAMES, pack

MIGRATIONS = "src/imagegen_adapters/databases/migrations"
"""A folder now, one module until it was split."""

_NAME = re.compile(r"^def (m\d+_\w+)", re.MULTILINE)
_PROGRAM = "from imagegen_http.cli import main; main()"


def landed():
    """Return the last commit of each schema by its name, oldest first; None stands for the working tree."""
    commits = _git("log", "--reverse", "--format=%H", "--", MIGRATIONS, f"{MIGRATIONS}.py").split()
    schemas = {}
    for commit, following in zip(commits, [*commits[1:], None], strict=True):
        last = "HEAD" if following is None else f"{following}^"
        schemas[_newest(_at(commit))] = last
    schemas[_newest("".join(path.read_text() for path in (ROOT / MIGRATIONS).glob("*.py")))] = None
    return schemas


def make(name, commit):
    """Write the data directory of a schema as text."""
    with tempfile.TemporaryDirectory() as temporary, FakeOss() as oss:
        folder = Path(temporary)
        source = ROOT if commit is None else _checked_out(commit, folder / "source")
        upstream = UpstreamProcess(folder / "ledger").start()
        service = Service(
            folder,
            folder / "data",
            upstream,
            settings=scene.settings(upstream, oss),
            program=(sys.executable, "-c", _PROGRAM),
            environ={"PYTHONPATH": str(source / "src")},
        )
        try:
            scene.play(service, oss)
            pack(service.data_dir, upstream.url, name)
        finally:
            service.kill()
            upstream.end()


def _checked_out(commit, folder):
    folder.mkdir()
    archive = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, capture_output=True, check=True)
    subprocess.run(["tar", "x"], cwd=folder, input=archive.stdout, check=True)
    return folder


def _at(commit):
    """Return the text of the migrations in a commit."""
    files = _git("ls-tree", "-r", "--name-only", commit, MIGRATIONS, f"{MIGRATIONS}.py").split()
    return "".join(_git("show", f"{commit}:{file}") for file in files)


def _newest(text):
    return max(_NAME.findall(text))


def _git(*args):
    return subprocess.run(["git", *args], cwd=ROOT, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    for schema, its_commit in landed().items():
        if schema in sys.argv[1:] or (len(sys.argv) == 1 and schema not in NAMES):
            print(f"{schema} from {its_commit or 'the working tree'}", flush=True)
            make(schema, its_commit)
