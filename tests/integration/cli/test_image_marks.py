"""``imagegen images star|tag|…`` and ``imagegen collections``: beside a server and without one."""

import json
import shutil

import pytest

from tests.integration.api.live_server import LiveServer
from tests.integration.cli.outcomes import failed, good

SMALL = ("--param", "width=64", "--param", "height=64")


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    """A data directory with three images, 1 to 3."""
    server = LiveServer(tmp_path_factory.mktemp("three"))
    for prompt in ("一座灯塔", "一只猫", "另一只猫"):
        good(server.imagegen("generate", prompt, *SMALL))
    return server.data_dir


@pytest.fixture(params=[False, True], ids=["without a server", "beside a server"])
def filled(three, other, request):
    """A copy of it."""
    shutil.copytree(three, other.data_dir)
    if request.param:
        other.start()
    return other


def ids_of(desk, *command):
    """Return the ids in the lines of a list."""
    return [int(line.partition("\t")[0]) for line in good(desk.imagegen(*command)).splitlines()]


def test_favourites_and_tags_filter_lists(filled):
    """The numbers are those of the images that were changed."""
    numbers = [
        good(filled.imagegen("images", *command))
        for command in (
            ("star", "1", "3", "1"),
            ("star", "3"),
            ("tag", "Cat", "2", "3"),
            ("unstar", "3"),
            ("untag", "ＣＡＴ", "3"),
        )
    ]
    lists = [
        ids_of(filled, "images", *command)
        for command in (
            ("list", "--favourite"),
            ("list", "--no-favourite"),
            ("list", "--tag", "cat"),
            ("search", "猫", "--tag", "cat"),
            ("search", "灯", "--favourite"),
        )
    ]

    assert ["2\n", "0\n", "2\n", "1\n", "1\n"] == numbers
    assert [[1], [3, 2], [2], [2], [1]] == lists
    assert "Cat\t1\n" == good(filled.imagegen("images", "tags", "--prefix", "c"))
    assert [{"tag": "Cat", "count": 1}] == json.loads(good(filled.imagegen("images", "tags", "--json")))


def test_of_many_missing_ids_the_first_are_named(filled):
    """One line that can be read, and what is there is done."""
    line = failed(filled.imagegen("images", "star", *range(3, 1505)))

    first = ", ".join(map(str, range(4, 24)))
    assert line.endswith(f"no images {first}, 1481 more; the others are done")
    assert [3] == ids_of(filled, "images", "list", "--favourite")


def test_a_tag_with_a_comma_is_one_tag(filled):
    """It is in quotation marks where others stand beside it."""
    for tag in ("猫,狗", "a/b"):
        good(filled.imagegen("images", "tag", tag, "1"))
    terminal = filled.on_terminal("images", "show", "1", columns=80)
    shown = terminal.until("task")
    terminal.end()

    assert 'a/b, "猫,狗"' in shown or '"猫,狗", a/b' in shown


def test_a_collection_lives(filled):
    """It is named by its name, in any case and width, or by its id."""
    night = "Night 夜"
    results = [
        good(filled.imagegen("collections", *command))
        for command in (
            ("create", night),
            ("create", "2"),
            ("add", night, "1", "2"),
            ("add", "ｎｉｇｈｔ 夜", "2", "3"),
            ("remove", "1", "1"),
        )
    ]
    rows = [line.split("\t")[:3] for line in good(filled.imagegen("collections", "list")).splitlines()]
    inside = ids_of(filled, "images", "list", "--collection", night)
    good(filled.imagegen("collections", "rename", night, "Day"))
    good(filled.imagegen("collections", "delete", "2", "--yes"))
    remaining = json.loads(good(filled.imagegen("collections", "list", "--json")))

    assert ["1\n", "2\n", "2\n", "1\n", "1\n"] == results
    assert [["2", "2", "0"], ["1", night, "2"]] == rows
    assert [3, 2] == inside == ids_of(filled, "images", "list", "--collection", "1")
    assert [(1, "Day", 2, 3)] == [
        (one["id"], one["name"], one["count"], one["cover_image_id"]) for one in remaining
    ]


def test_what_is_not_there_is_one_line(filled):
    """The others are done."""
    assert "no images 9" in failed(filled.imagegen("images", "star", "9", "1"))
    assert [1] == ids_of(filled, "images", "list", "--favourite")
    for command in (("collections", "delete", "x", "--yes"), ("images", "list", "--collection", "x")):
        assert "no collection 'x'" in failed(filled.imagegen(*command))
    good(filled.imagegen("collections", "create", "x"))
    assert "'x'" in failed(filled.imagegen("collections", "create", "Ｘ"))
    assert "characters" in failed(filled.imagegen("images", "tag", "x" * 41, "1"))
