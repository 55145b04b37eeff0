"""Rows on screens of any width."""

import pytest

from imagegen_http.cli.output import Cell, fitting, layout, width
from imagegen_http.cli.words import width_of

TASK_ID = "019af2c4-8d3e-7c1a-9f0b-112233445566"
PROMPT = "一只可爱的猫坐在窗台上看着外面的雨" * 3


def drawn(*texts, screen):
    """Draw a row whose last cell may be shortened."""
    cells = [Cell(text) for text in texts]
    widths = [width([cell], is_flexible=cell is cells[-1]) for cell in cells]
    return [text for line in layout(widths, screen=screen) for text in line.drawn(cells)]


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
    """On a narrow screen, where the prompt would have its own."""
    assert [TASK_ID] == drawn(TASK_ID, "", screen=40)


def test_an_id_that_is_wider_than_the_screen_is_whole():
    """The terminal breaks it."""
    assert [TASK_ID, "  a cat"] == drawn(TASK_ID, "a cat", screen=20)


@pytest.mark.parametrize("screen", [20, 40, 60, 80])
def test_names_are_whole_in_as_many_lines_as_they_need(screen):
    """No model's id is cut, and the columns beside it stay where they are."""
    names = ", ".join(f"fal-ai/flux/{name}" for name in ("dev", "schnell", "kontext", "krea"))
    cells = [Cell("fal"), Cell(names, is_wrapped=True), Cell("on")]
    widths = [width([cell], is_flexible=cell.is_wrapped) for cell in cells]
    lines = [text for line in layout(widths, screen=screen) for text in line.drawn(cells)]

    assert sorted(["fal", *names.split(), "on"]) == sorted(" ".join(lines).split())
    assert [] == [line for line in lines if width_of(line) > max(screen, 24)]


@pytest.mark.parametrize(
    ("screen", "is_shown"),
    [
        (63, [True, False, False, True]),
        (64, [True, True, False, True]),
        (72, [True, True, False, True]),
        (73, [True, True, True, True]),
    ],
)
def test_columns_that_may_be_absent_are_there_where_they_fit(screen, is_shown):
    """The last goes first; a prompt needs no more than it can be shortened to."""
    texts = ("x" * cells for cells in (36, 8, 7, 40))
    widths = [width([Cell(text)], is_flexible=len(text) == 40) for text in texts]

    assert is_shown == fitting(widths, [False, True, True, False], screen=screen)
