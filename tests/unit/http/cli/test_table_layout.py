"""Rows on screens of any width."""

import pytest

from imagegen_http.cli.output import Column, table
from imagegen_http.cli.words import width_of

TASK_ID = "019af2c4-8d3e-7c1a-9f0b-112233445566"
PROMPT = "一只可爱的猫坐在窗台上看着外面的雨" * 3


def drawn(*texts, screen, kinds=None, optional=()):
    """Draw a row without its titles; by default its last cell may be shortened."""
    kinds = kinds or {len(texts) - 1: "text"}
    columns = [
        Column("-", str(n), kinds.get(n, "value"), may_be_absent=n in optional) for n in range(len(texts))
    ]
    return rows(columns, {str(n): text for n, text in enumerate(texts)}, screen=screen)


def rows(columns, *items, screen):
    """Return the lines of a table but its titles, which alone are bold."""
    return [line for line in table(columns, items, screen=screen) if "\x1b" not in line]


@pytest.mark.parametrize("screen", [36, 40, 60, 80, 100, 200])
def test_ids_are_whole_and_nothing_is_wider_than_the_screen(screen):
    """Only the prompt is shortened, and it always shows something."""
    lines = drawn(TASK_ID, "已完成", "openai-compatible", "outcome_unknown", PROMPT, screen=screen)

    assert [] == [line for line in lines if width_of(line) > screen]
    assert [True] * 4 == [
        any(text in line for line in lines)
        for text in (TASK_ID, "openai-compatible", "outcome_unknown", "一只可爱的猫")
    ]


def test_a_row_that_fits_is_one_line():
    """Cells stand in columns, two spaces apart."""
    assert ["7  demo  一只猫"] == drawn("7", "demo", "一只猫", screen=80)


def test_a_line_in_which_nothing_stands_is_left_out():
    """On a narrow screen, where the prompt of another row has its own."""
    columns = (Column("-", "id"), Column("-", "prompt", "text"))
    items = ({"id": TASK_ID, "prompt": ""}, {"id": TASK_ID, "prompt": "a cat"})

    assert [TASK_ID, TASK_ID, "  a cat"] == rows(columns, *items, screen=40)


def test_an_id_that_is_wider_than_the_screen_is_whole():
    """The terminal breaks it."""
    assert [TASK_ID, "  a cat"] == drawn(TASK_ID, "a cat", screen=20)


@pytest.mark.parametrize("screen", [20, 40, 60, 80])
def test_names_are_whole_in_as_many_lines_as_they_need(screen):
    """No model's id is cut, and the columns beside it stay where they are."""
    names = ", ".join(f"fal-ai/flux/{name}" for name in ("dev", "schnell", "kontext", "krea"))
    lines = drawn("fal", names, "on", screen=screen, kinds={1: "names"})

    assert sorted(["fal", *names.split(), "on"]) == sorted(" ".join(lines).split())
    assert [] == [line for line in lines if width_of(line) > max(screen, 24)]


@pytest.mark.parametrize(
    ("screen", "shown"),
    [
        (63, [True, False, False, True]),
        (64, [True, True, False, True]),
        (72, [True, True, False, True]),
        (73, [True, True, True, True]),
    ],
)
def test_columns_that_may_be_absent_are_there_where_they_fit(screen, shown):
    """The last goes first; a prompt needs no more than it can be shortened to."""
    texts = ("a" * 36, "b" * 8, "c" * 7, "d" * 40)
    (line,) = drawn(*texts, screen=screen, optional=(1, 2))

    assert shown == [letter in line for letter in "abcd"]
