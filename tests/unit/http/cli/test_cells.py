"""Text is measured in cells of a terminal, not in characters."""

import pytest

from imagegen_http.cli.words import padded, shortened, width_of, wrapped


@pytest.mark.parametrize(
    ("text", "cells"),
    [("cat", 3), ("猫", 2), ("一只cat", 7), ("e\u0301", 1), ("🐱", 2), ("👩‍🚀", 2), ("，", 2), ("", 0)],
    ids=[
        "Latin",
        "Chinese",
        "both",
        "a combining accent",
        "an emoji",
        "a joined emoji",
        "punctuation",
        "none",
    ],
)
def test_a_text_takes_its_cells(text, cells):
    """Chinese and emoji take two, what combines takes none."""
    assert cells == width_of(text)
    assert cells + 3 == width_of(padded(text, cells + 3))


@pytest.mark.parametrize("cells", range(2, 14))
@pytest.mark.parametrize("text", ["一只可爱的猫", "a cat and a dog", "猫e\u0301🐱👩‍🚀猫猫猫"])
def test_a_shortened_text_fits(text, cells):
    """It ends with an ellipsis, unless it fits whole."""
    short = shortened(text, cells)

    assert width_of(short) <= cells
    assert short == text or short.endswith("…")


def test_no_line_begins_with_closing_punctuation():
    """Chinese has no spaces to break a line at, so any character may be the last but an opening bracket."""
    lines = wrapped("写入数据库，图片。输入（全部）都写到 FILE，然后结束。", 10)

    assert "写入数据库，图片。输入（全部）都写到FILE，然后结束。" == "".join(lines)
    assert [] == [line for line in lines if width_of(line) > 10 or line[0] in "，。）" or line[-1] == "（"]


def test_words_are_not_broken():
    """A path that is longer than the line stands alone in it."""
    assert ["see", "/a/long/path", "for it"] == wrapped("see  /a/long/path for\nit", 8)
