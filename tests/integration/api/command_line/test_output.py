"""What commands about images and tasks print, for people and for scripts."""

import json

import pytest

from tests.integration.api.command_line.conftest import SMALL
from tests.integration.cli.outcomes import good


def test_images_are_searched_shown_exported_and_deleted(run, tmp_path):
    """Without a server."""
    for prompt in ("一只可爱的猫", "a dog"):
        good(run("generate", prompt, *SMALL))
    matches = json.loads(good(run("images", "search", "貓", "--operation", "generate", "--json")))
    elsewhere = json.loads(good(run("images", "search", "貓", "--provider", "nobody", "--json")))
    first = run("images", "list", "--limit", "1", "--from", "2020-01-01")
    oldest = good(run("images", "search", "a", "--mode", "relevant", "--order", "oldest", "--all"))
    order = [good(run("images", "list", "--order", order)).split() for order in ("oldest", "newest")]
    shown = json.loads(good(run("images", "show", matches[0]["id"])))
    good(run("images", "export", "cats", "--search", "猫"))
    good(run("images", "export", "all"))
    good(run("images", "delete", matches[0]["id"], "--yes"))
    remaining = json.loads(good(run("images", "list", "--json")))

    assert (["一只可爱的猫"], "一只可爱的猫") == ([i["prompt"] for i in matches], shown["prompt"])
    assert [] == elsewhere
    assert "a dog" == oldest.strip().split("\t")[-1]
    assert (order[0][0], order[1][0]) == (str(matches[0]["id"]), str(matches[0]["id"] + 1))
    assert "a dog" == first.stdout.strip().split("\t")[-1]
    assert first.stderr.startswith("the first 1 of 2; ")
    assert [1, 2] == [len([*(tmp_path / d).glob("*.png")]) for d in ("cats", "all")]
    assert ["a dog"] == [i["prompt"] for i in remaining]


@pytest.mark.parametrize(
    ("params", "status", "english", "chinese"),
    [((), "completed", "completed", "已完成"), (("--param", "refuse=true"), "failed", "failed", "失败")],
)
def test_a_task_that_has_ended_is_not_said_to_be_cancelled(run, params, status, english, chinese):
    """How it ended is said, and it stays so; that is no failure."""
    run("generate", "x", *SMALL, *params)
    (task,) = json.loads(good(run("tasks", "list", "--json")))
    outputs = [
        good(run("tasks", "cancel", task["task_id"], environ={"LC_ALL": lang}))
        for lang in ("C.UTF-8", "zh_CN.UTF-8")
    ]

    assert [f"it had ended already: {english}\n", f"它此前已结束：{chinese}\n"] == outputs
    assert [status] == [task["status"] for task in json.loads(good(run("tasks", "list", "--json")))]


def test_lists_in_a_pipe_are_lines_with_tabs(run):
    """And empty ones say so on stderr."""
    good(run("providers", "set", "begun", "--kind", "demo"))
    empty = run("tasks", "list")
    good(run("generate", "tab\tand\nline", *SMALL))
    lines = good(run("tasks", "list")).splitlines()

    assert (0, "") == (empty.returncode, empty.stdout)
    assert (1, True) == (len(lines), len(lines[0].split("\t")) == 7)


def test_notes_are_in_the_language_of_the_locale(run):
    """What a script reads is not."""
    good(run("providers", "set", "begun", "--kind", "demo"))
    chinese = {"LC_ALL": "zh_CN.UTF-8"}
    empty = run("tasks", "list", environ=chinese)
    for prompt in ("one", "two"):
        good(run("generate", prompt, *SMALL))
    first = run("tasks", "list", "--limit", "1", environ=chinese)

    assert ("", True) == (empty.stdout, empty.stderr.endswith(" 中没有任务\n"))
    assert "completed" == first.stdout.split("\t")[1]
    assert "共 2 个，这是前 1 个；用 --limit 或 --all 列出更多\n" == first.stderr


def test_what_is_logged_stays_out_of_the_output(run, tmp_path):
    """A lost image is reported on stderr; stdout is for scripts."""
    good(run("generate", "x", *SMALL))
    for file in (tmp_path / "data" / "images").rglob("*.png"):
        file.unlink()
    result = run("images", "export", "out")

    counted = f"0 image(s) of {tmp_path / 'data'} in out\n"
    assert (1, counted, True) == (result.returncode, result.stdout, "missing" in result.stderr)
    assert result.stderr.splitlines()[-1].startswith("imagegen: ")
