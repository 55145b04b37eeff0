"""``imagegen batch FILE``: beside a server and without one, begun, gone on with, and refused."""

import json

import pytest

from tests.integration.api.asking import data, total, until
from tests.integration.cli.outcomes import failed, good

SMALL = ("--param", "width=64", "--param", "height=64")
BATCHES = "/api/v1/batches"


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A running server, and its commands."""
    from tests.integration.api.live_server import LiveServer

    server = LiveServer(tmp_path_factory.mktemp("desk")).start()
    yield server
    server.end()


def write(server, name, content):
    """Write a file into the directory of the commands, and return its name."""
    path = server.folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


def prompts_of(server, batch_id):
    with server.client() as api:
        tasks = data(api.get("/api/v1/tasks", params={"batch_id": batch_id}))["items"]
    return sorted(task["prompt"] for task in tasks)


def batch_from(server, *arguments):
    """Make a batch of a file; return it, and its prompts."""
    batch = json.loads(good(server.imagegen("batch", *arguments, *SMALL, "--json")))
    return batch, prompts_of(server, batch["batch_id"])


def test_each_kind_of_file_is_a_batch(desk):
    """Lines that are blank, and a byte order mark, mean nothing."""
    text = write(desk, "一.txt", b"\xef\xbb\xbf" + "一只猫\n\n  一只狗 \n".encode())
    table = write(desk, "animals.csv", 'animal,place,note\n猫,海边,x\n狗,"山, 上",y\n')
    lines = write(
        desk, "requests.jsonl", '{"params": {"prompt": "seven", "seed": 7}}\n\n{"params": {"prompt": "a"}}\n'
    )

    of_text, text_prompts = batch_from(desk, text)
    _, table_prompts = batch_from(desk, table, "--template", "{{{animal}}}在{place}")
    _, line_prompts = batch_from(desk, lines)

    assert ("completed", 2, "一.txt") == (of_text["status"], of_text["tasks"], of_text["name"])
    assert sorted(["一只猫", "一只狗"]) == text_prompts
    assert sorted(["{猫}在海边", "{狗}在山, 上"]) == table_prompts
    assert ["a", "seven"] == line_prompts


def test_the_same_command_goes_on_with_the_same_batch(desk):
    """Another file under its name is refused, unless it is to be another batch."""
    name = write(desk, "again.txt", "一只猫\n")
    first, _ = batch_from(desk, name)
    with desk.client() as api:
        before = total(api)
    again, _ = batch_from(desk, name)
    write(desk, name, "一只猫\n一只狗\n")
    changed = failed(desk.imagegen("batch", name, *SMALL), 1)
    other_option = failed(desk.imagegen("batch", name, *SMALL, "--stop"), 1)
    new, prompts = batch_from(desk, name, "--new")
    new_again, _ = batch_from(desk, name, "--new")

    assert first["batch_id"] == again["batch_id"]
    assert "again.txt: the file or the options are not those" in changed
    assert "--new" in other_option
    assert (2, new["batch_id"]) == (len(prompts), new_again["batch_id"])
    assert new["batch_id"] != first["batch_id"]
    with desk.client() as api:
        assert before + 2 == total(api)


@pytest.mark.parametrize(
    ("name", "content", "options", "reason"),
    [
        ("gbk.txt", "一只可爱的猫\n".encode("gbk"), (), "gbk.txt: it is not UTF-8, but GBK"),
        ("short.txt", "一只猫\n".encode("gbk"), (), "short.txt: it is not UTF-8, but GBK"),
        ("wide.txt", "一只猫\n".encode("utf-16"), (), "wide.txt: it is not UTF-8, but UTF-16"),
        ("bytes.txt", b"\xff\x81\xff\n", (), "bytes.txt: it is not UTF-8"),
        ("empty.txt", "\n", (), "empty.txt: it is empty"),
        ("missing.txt", None, (), "missing.txt"),
        ("many.txt", "猫\n" * 10_001, (), "would make 10001 tasks"),
        ("long.txt", "猫\n" + "猫" * 32_001, (), "long.txt:2: must be at most 32000 characters"),
        ("a.csv", "animal\n猫\n", ("--template", "{place}"), "it has no column place; there are animal"),
        ("b.csv", "animal\n猫\n", ("--template", "{animal"), "template: has a single brace at character 1"),
        ("c.csv", "a,b\n1\n", ("--template", "{a}"), "c.csv:2: it has 1 fields, but the header has 2"),
        ("d.csv", 'a\n"1\n', ("--template", "{a}"), "it is not CSV"),
        ("e.jsonl", '{"params": \n', (), "e.jsonl:1: it is not JSON"),
        ("f.jsonl", '{"params": {"prompt": ""}}\n', (), "f.jsonl:1: must not be empty"),
        ("g.txt", "猫\n", ("-p", "nobody"), "provider 'nobody' cannot be used"),
    ],
)
def test_a_file_that_cannot_be_made_is_refused(desk, name, content, options, reason):
    """In one sentence that names the line, and nothing is sent."""
    if content is not None:
        write(desk, name, content)
    with desk.client() as api:
        before = total(api, BATCHES)

    assert reason in failed(desk.imagegen("batch", name, *options), 1)
    with desk.client() as api:
        assert before == total(api, BATCHES)


@pytest.mark.parametrize(
    ("name", "options"), [("x.csv", ()), ("x.txt", ("--template", "{a}")), ("x.txt", ("--max-cost", "viel"))]
)
def test_wrong_options_are_refused(desk, name, options):
    """With the usage."""
    write(desk, name, "a\n1\n")

    result = desk.imagegen("batch", name, *options)

    assert (2, "Usage: ") == (result.returncode, result.stderr[:7])


def test_failures_are_told_and_made_again(desk):
    """The command ends with 1, and says how."""
    lines = ['{"params": {"prompt": "good"}}', '{"params": {"prompt": "bad", "fail": "rejected"}}']
    result = desk.imagegen("batch", write(desk, "failing.jsonl", "\n".join(lines)), *SMALL)
    command = result.stderr.partition("`")[2].partition("`")[0].split()
    again = json.loads(good(desk.imagegen(*command[1:])))

    assert "1 of 2 completed" in result.stdout
    assert ["imagegen", "batches", "retry"] == command[:3]
    assert again["status"] in ("running", "completed")


def test_batches_are_listed_and_changed(desk):
    """By the id that the list shows first."""
    with desk.client() as api:
        slow = {"prompts": ["猫"] * 9, "params": {"delay_seconds": 500}, "concurrency": 1, "name": "slow"}
        batch_id = data(api.post(BATCHES, json=slow))["batch_id"]
    row = good(desk.imagegen("batches", "list", "--status", "running")).splitlines()[0].split("\t")
    steps = [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")]
    states = [json.loads(good(desk.imagegen("batches", verb, batch_id)))["status"] for verb, _ in steps]
    with desk.client() as api:
        until(lambda: data(api.get(f"{BATCHES}/{batch_id}")), lambda batch: batch["completed_at"])
    shown = json.loads(good(desk.imagegen("batches", "show", batch_id)))
    unknown = failed(desk.imagegen("batches", "show", "7"), 1)

    assert [batch_id, "running", "9", "slow"] == [row[0], row[1], row[4], row[7]]
    assert [status for _, status in steps] == states
    assert ("cancelled", 1) == (shown["status"], shown["counts"]["cancelled"])
    assert "no batch '7'" in unknown


def test_a_batch_is_made_without_a_server(other):
    """By the command itself."""
    batch = json.loads(
        good(other.imagegen("batch", write(other, "few.txt", "猫\n狗\n鸟\n"), *SMALL, "--json"))
    )

    assert ("completed", 3) == (batch["status"], batch["counts"]["completed"])
