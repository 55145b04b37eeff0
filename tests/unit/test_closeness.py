"""Close prompts share a query's parts, and the closest come first."""

import pytest

from imagegen_core.closeness import Closeness
from imagegen_core.search_query import SearchQuery


def close_to(keyword):
    return Closeness.to(SearchQuery.parse(keyword, lambda text: text))


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("可爱的猫", ("可爱", "猫")),
        ("雨夜街头", ("雨夜", "夜街", "街头")),
        ("the cat", ("cat",)),
        ("portrait", ("por", "ort", "rtr", "tra", "rai", "ait")),
        ("4k的猫", ("4k", "猫")),
        ("的", ("的",)),
        ("猫 狗 猫咪", ("猫", "狗", "猫咪")),
    ],
)
def test_parts_are_what_carries_meaning(keyword, expected):
    """Pairs of characters, single ones where there is no pair, three letters; stop words are left out."""
    assert expected == close_to(keyword).parts


def test_the_closest_comes_first():
    """More parts are better than fewer, near ones in order better than scattered ones."""
    prompts = [
        "可爱的小猫",
        "可爱的狗和一只猫",
        "猫在睡觉，样子很可爱",
        "一只猫",
    ]
    closeness = close_to("可爱的猫")

    assert prompts == sorted(sorted(prompts), key=closeness.rank)


@pytest.mark.parametrize("prompt", ["一只可爱的猫", "一条狗", "雪山的清晨"])
def test_what_contains_the_query_or_shares_too_little_is_not_close(prompt):
    """Exact matches are a list of their own; less than half of the parts is nothing."""
    assert close_to("可爱的猫").rank(prompt) is None


@pytest.mark.parametrize("keyword", ["，", "🐱🐱", "%_%", "\ue021"])
def test_punctuation_has_no_close_ones(keyword):
    """Nothing of it carries meaning, and nothing fails over it."""
    assert close_to(keyword).rank("一只猫，🐱 %") is None


def test_tokens_to_ask_for_begin_with_the_nearest():
    """First all but one place of the query, last what has half of its parts."""
    closeness = close_to("可爱的猫")
    near = list(closeness.near())

    assert ("可爱", "爱的", "的", "猫") in near[:3]
    assert [("可爱", "猫")] == near[3:]
    assert [("可爱",), ("猫",)] == list(closeness.far())


def test_a_word_of_one_pair_is_not_taken_apart():
    """Words that stand alone are whole; only within a longer one may something come in between."""
    separate, joined = close_to("猫 可爱 窗台"), close_to("猫 可爱的猫")

    assert [("猫", "可爱", "窗台")] == list(separate.near())
    assert ("猫", "可爱", "爱的", "的", "猫") in joined.near()


def test_sets_of_tokens_are_few():
    """However long a query is, the work is bounded."""
    words = " ".join(chr(code) + chr(code + 1) for code in range(0x4E00, 0x5E00, 2))

    closeness = close_to(words)

    assert (1, 4) == (len(list(closeness.near())), len(list(closeness.far())))
