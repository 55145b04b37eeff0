"""Commands whose standard streams are closed, as some schedulers and scripts leave them."""

import json
import subprocess

import pytest

from tests.integration.api.live_server import IMAGEGEN, clean_environ
from tests.integration.cli.outcomes import good

ALL_CLOSED = "<&- >&- 2>&-"


def closed(place, redirections, *args):
    """Run a command with streams that a shell has closed."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" "$@" {redirections}', IMAGEGEN, *args],
        cwd=place.folder,
        env=clean_environ(),
        stdin=subprocess.PIPE,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("redirections", [">&-", "<&-", "2>&-", ALL_CLOSED])
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("tasks", "list"), 0),
        (("tasks", "show", "nothing"), 1),
        (("--help",), 0),
        (("images", "delete", "1"), 1),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_command_ends_as_with_open_streams(desk, redirections, args, code):
    """What nobody can read is discarded, and what nobody can type is not there."""
    done = closed(desk, redirections, *args)

    assert (code, False) == (done.returncode, "Traceback" in done.stderr)


def test_no_file_takes_the_place_of_a_closed_stream(other):
    """The image is made, and what was printed meanwhile is in none of the files."""
    done = closed(other, ALL_CLOSED, "generate", "in the dark", "--param", "width=64", "--param", "height=64")
    listed = json.loads(good(other.imagegen("images", "list", "--json")))
    files = [path for path in other.data_dir.rglob("*") if path.is_file()]

    assert (0, ["in the dark"]) == (done.returncode, [image["prompt"] for image in listed])
    assert [] == [path for path in files if b"kept in" in path.read_bytes()]
