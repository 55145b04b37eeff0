"""The input images of tasks on the command line, in backups and after a restore."""

import json
import shutil

import pytest

from tests.fakes.images import png
from tests.integration.api.asking import IMAGES, TASKS, WAIT, data, data_url, ended, make_image, until
from tests.integration.api.live_server import LiveServer
from tests.integration.cli.conftest import files_below
from tests.integration.cli.outcomes import failed, good

SENT = png(81, (40, 30))


@pytest.fixture(scope="module")
def edits(tmp_path_factory):
    """A killed server, and its completed task with an image that was sent and two that are stored."""
    server = LiveServer(tmp_path_factory.mktemp("edits")).start()
    with server.client() as api:
        images = [make_image(api) for _ in range(2)]
        references = [f"image:{images[0]['id']}", data_url(SENT), f"image:{images[1]['id']}"]
        body = {"provider": "demo", "prompt": "a tower", "reference_images": references}
        task = data(api.post(f"{IMAGES}/generate-with-references", json=body, headers=WAIT))
        stored = api.get(images[0]["image_url"]).content
        api.delete(f"{IMAGES}/{images[1]['id']}")
    until((server.data_dir / "spool" / task["task_id"]).exists, lambda exists: not exists)
    server.kill()
    return server.folder, task["task_id"], stored


@pytest.fixture
def task(edits):
    return edits[1]


@pytest.fixture
def bench(edits, tmp_path):
    """A copy of it, not running."""
    shutil.copytree(edits[0] / "data", tmp_path / "bench" / "data")
    server = LiveServer(tmp_path / "bench")
    yield server
    server.end()


def test_the_inputs_of_a_task_are_listed(bench, task):
    """With their numbers, what they are for, and where they are; as JSON, too."""
    lines = good(bench.imagegen("tasks", "inputs", task)).splitlines()
    listed = json.loads(good(bench.imagegen("tasks", "inputs", task, "--json")))
    shown = json.loads(good(bench.imagegen("tasks", "show", task)))

    assert [
        ["0", "reference", "1", "64x64", f"{IMAGES}/1/content"],
        ["1", "reference", "", "40x30", f"{TASKS}/{task}/inputs/1/content"],
        ["2", "reference", "2", "64x64", ""],
    ] == [line.split("\t") for line in lines]
    assert listed == shown["inputs"]


def test_inputs_are_saved(bench, task, edits):
    """One that is gone stops no other: it is named in the end."""
    (bench.folder / "out").mkdir()
    result = bench.imagegen("tasks", "inputs", task, "-o", "out")
    files = [bench.folder / "out" / f"{task}-{number}.png" for number in range(2)]

    assert "2: the input image is no longer kept" in failed(result)
    assert [str(file) for file in files] == result.stdout.splitlines()
    assert [edits[2], SENT] == [file.read_bytes() for file in files]
    assert sorted(files) == sorted((bench.folder / "out").iterdir())


def test_a_task_without_inputs_says_so(bench):
    """In one line; the exit code is 0."""
    (task_id,) = [
        one["task_id"]
        for one in json.loads(good(bench.imagegen("tasks", "list", "--json")))
        if one["images"] and one["images"][0]["id"] == 1
    ]
    result = bench.imagegen("tasks", "inputs", task_id)

    assert (0, "") == (result.returncode, result.stdout)
    assert "no input images" in result.stderr


def test_where_nothing_can_be_written_nothing_is_read(bench, task):
    """The directory has to be there."""
    assert "no such directory" in failed(bench.imagegen("tasks", "inputs", task, "-o", "nowhere"))


def test_a_backup_holds_the_inputs_that_are_kept(bench, task, other):
    """After a restore their task shows them, and is made again; nothing else of them is left behind."""
    good(bench.imagegen("backup", "it.backup"))
    good(other.imagegen("restore", bench.folder / "it.backup"))
    before, after = (
        {name: content for name, content in files_below(one.data_dir).items() if name.startswith("inputs/")}
        for one in (bench, other)
    )
    with other.start().client() as api:
        content = api.get(f"{TASKS}/{task}/inputs/1/content").content
        body = {"provider": "demo", "prompt": "once more", "image": data_url(content)}
        again = data(api.post(f"{IMAGES}/upscale", json=body))
        done = ended(api, again["task_id"])

    assert {f"inputs/{task}/reference-1": SENT} == before == after
    assert ("completed", SENT) == (done["status"], content)


def test_a_backup_holds_inputs_that_are_still_to_be_kept(bench, task, other):
    """Of a task that had ended a moment ago, as the kill of a service may leave them."""
    (bench.data_dir / "spool").mkdir(exist_ok=True)
    (bench.data_dir / "inputs" / task).rename(bench.data_dir / "spool" / task)
    good(bench.imagegen("backup", "it.backup"))
    good(other.imagegen("restore", bench.folder / "it.backup"))
    with other.start().client() as api:
        content = api.get(f"{TASKS}/{task}/inputs/1/content").content

    assert SENT == content == (other.data_dir / "inputs" / task / "reference-1").read_bytes()
