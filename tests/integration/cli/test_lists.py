"""Lists go beyond the first hundred items, and their ids can be passed to the next command."""

import json
from contextlib import closing

import pytest

from imagegen_adapters.outbound.addresses import AddressCode
from imagegen_adapters.providers.a1111 import StableDiffusionCode
from imagegen_adapters.providers.comfyui_workflow import ComfyUICode
from imagegen_adapters.providers.demo.provider import DemoCode
from imagegen_adapters.providers.document.expressions import DocumentCode
from imagegen_adapters.providers.gemini.requests import GeminiCode
from imagegen_adapters.stores.rows import to_json
from imagegen_adapters.stores.sqlite.engine import sqlite3
from imagegen_core.errors import Failure, FailureCode
from imagegen_core.messages import Language
from tests.integration.cli.outcomes import failed, good
from tests.integration.cli.test_help import modules_of

MANY = 250


@pytest.fixture
def long_list(desk):
    """A data directory with many more tasks, copies of one that ended."""
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute("SELECT * FROM tasks WHERE status = 'completed'").fetchone())
        del row["seq"]
        columns, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        connection.executemany(
            f"INSERT INTO tasks ({columns}) VALUES ({marks})",  # noqa: S608 - the schema's own names
            [{**row, "task_id": f"00000000-0000-7000-8000-{number:012}"} for number in range(MANY)],
        )
    return desk


def test_all_tasks_are_listed_beyond_the_first_hundred(long_list):
    """Each once, as lines and as JSON."""
    lines = good(long_list.imagegen("tasks", "list", "--all")).splitlines()
    tasks = json.loads(good(long_list.imagegen("tasks", "list", "--all", "--json")))
    ids = [line.split("\t")[0] for line in lines]

    assert MANY + 3 == len(set(ids)) == len(ids)
    assert ids == [task["task_id"] for task in tasks]


def test_a_limit_may_be_above_a_hundred(long_list):
    """And a note says what is left out, and how to list it."""
    result = long_list.imagegen("tasks", "list", "--limit", "130")

    assert (0, 130) == (result.returncode, len(result.stdout.splitlines()))
    assert f"the first 130 of {MANY + 3}; --limit or --all lists more" == result.stderr.strip()


def test_an_empty_list_is_json_too(desk):
    """For scripts."""
    assert [] == json.loads(good(desk.imagegen("tasks", "list", "--status", "failed", "--json")))


@pytest.mark.parametrize("columns", [20, 60, 80])
def test_a_narrow_terminal_cuts_no_id(desk, columns):
    """The next command needs the complete id."""
    ids = [task["task_id"] for task in json.loads(good(desk.imagegen("tasks", "list", "--json")))]
    terminal = desk.on_terminal("tasks", "list", columns=columns)
    shown = terminal.until(ids[-1])
    terminal.end()

    assert [True] * len(ids) == [task_id in shown for task_id in ids]


@pytest.mark.parametrize(("columns", "titles"), [(80, []), (100, ["创建时间"]), (140, ["创建时间", "操作"])])
def test_a_wide_terminal_shows_times_and_operations(desk, columns, titles):
    """Where the row still fits in one line; operations in the reader's words."""
    tasks = json.loads(good(desk.imagegen("tasks", "list", "--json")))
    terminal = desk.on_terminal("tasks", "list", columns=columns, LC_ALL="zh_CN.UTF-8", TZ="CST-8")
    shown = terminal.until(tasks[-1]["prompt"])
    terminal.end()

    assert titles == [title for title in ("创建时间", "操作") if title in shown]
    assert [bool(titles), "操作" in titles] == [" +08:00" in shown, "文生图" in shown]
    assert [True] * len(tasks) == [task["task_id"] in shown for task in tasks]


def test_deleting_goes_on_after_a_missing_image(desk):
    """The others are deleted, the last line names it, and the exit code is 1."""
    one, two = (image["id"] for image in json.loads(good(desk.imagegen("images", "list", "--json"))))
    result = desk.imagegen("images", "delete", one, 9999, two, 9998, one, "--yes")

    assert f"deleted {one}\ndeleted {two}\n" == result.stdout
    assert "imagegen: no images 9999, 9998; the others are done" == failed(result)
    assert [] == json.loads(good(desk.imagegen("images", "list", "--json")))


@pytest.mark.parametrize("columns", [40, 80])
def test_a_table_is_in_the_readers_language(desk, columns):
    """With local times; on a machine that lacks the locale, too."""
    environ = {"LC_ALL": "zh_CN.UTF-8", "TZ": "CST-8"}
    tasks = desk.on_terminal("tasks", "list", columns=columns, **environ)
    images = desk.on_terminal("images", "list", columns=columns, **environ)
    shown = tasks.until("已完成") + images.until(" +08:00")

    assert [True] * 4 == [title in shown for title in ("任务", "状态", "提示词", "创建时间")]
    assert [0, 0] == [tasks.end(), images.end()]


@pytest.mark.parametrize(
    ("args", "environ", "is_coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "never"), {}, False),
        (("--color=always",), {"NO_COLOR": "1"}, True),
    ],
)
def test_statuses_are_coloured_on_a_terminal(desk, args, environ, is_coloured):
    """Unless the reader wants none."""
    terminal = desk.on_terminal("tasks", "counts", *args, **environ)
    shown = terminal.until("cancelled")
    terminal.end()

    assert is_coloured == ("\x1b[32mcompleted" in shown)


@pytest.mark.parametrize(
    ("args", "environ"), [(("--color", "always"), {}), ((), {"NO_COLOR": "", "FORCE_COLOR": "1"})]
)
def test_statuses_are_coloured_in_a_pipe_where_that_is_asked_for(desk, args, environ):
    """For a pager; the values are the API's."""
    lines = good(desk.imagegen(*args, "tasks", "counts", environ=environ)).splitlines()

    assert "\x1b[32mcompleted\x1b[0m\t1" in lines


def test_a_pipe_has_what_the_api_has(desk):
    """Whatever the reader's language, zone and wish for colours in general."""
    environ = {"LC_ALL": "zh_CN.UTF-8", "TZ": "CST-8"}
    records = json.loads(good(desk.imagegen("images", "list", "--json")))
    lines = good(desk.imagegen("images", "list", environ=environ)).splitlines()

    assert [record["created_at"] for record in records] == [line.split("\t")[1] for line in lines]


def test_a_record_is_readable_on_a_terminal_and_json_in_a_pipe(desk):
    """With local times and the reader's words; ``--json`` prints all of it on a terminal, too."""
    image = json.loads(good(desk.imagegen("images", "list", "--json")))[0]
    environ = {"LC_ALL": "zh_CN.UTF-8", "TZ": "CST-8"}
    shown = desk.on_terminal("images", "show", str(image["id"]), columns=40, **environ)
    task = desk.on_terminal("tasks", "show", image["task_id"], columns=40, **environ)
    raw = desk.on_terminal("images", "show", str(image["id"]), "--json", NO_COLOR="1", **environ)
    texts = [shown.until(image["task_id"]), task.until("1, 2"), raw.until("\n}")]

    assert [0, 0, 0] == [shown.end(), task.end(), raw.end()]
    assert [True] * 4 == [words in texts[0] for words in ("提示词", "一只猫", "创建时间", " +08:00")]
    assert [True] * 2 == [words in texts[1] for words in ("已完成", image["task_id"])]
    assert json.loads(good(desk.imagegen("images", "show", image["id"]))) == json.loads(texts[2])


def test_what_a_task_says_needs_no_adapter(desk):
    """In both languages, whichever adapter has said it: the process that lists tasks has used none."""
    reason = GeminiCode.NOTHING_SENT(seconds=5)
    failure = Failure(FailureCode.UNAVAILABLE, reason)
    warnings = tuple(
        code(**dict.fromkeys(code.placeholders, "x"))
        for code in (
            ComfyUICode.NO_PRESET,
            StableDiffusionCode.USE_OTHER,
            DocumentCode.PRESET_AND_SPEC,
            DemoCode.DEMO_FILE_GONE,
            AddressCode.NEVER_ALLOWED,
        )
    )
    with closing(sqlite3.connect(desk.data_dir / "imagegen.db")) as connection, connection:
        values = to_json(failure), to_json(warnings)
        connection.execute("UPDATE tasks SET status = 'failed', failure = ?, warnings = ?", values)
    messages = {}
    for language in Language:
        code, output, modules = modules_of("--lang", language, "tasks", "list", "--json", cwd=desk.folder)
        task = json.loads(output)[0]
        messages[language] = task["error"]["message"].endswith(reason.text(language)), task["warnings"]

        assert (0, set()) == (code, {"google.genai", "oss2"} & modules)
    assert messages == {
        language: (True, [warning.text(language) for warning in warnings]) for language in Language
    }
