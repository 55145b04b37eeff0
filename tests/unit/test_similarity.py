"""Close prompts share a query's parts, and the closest come first."""

import pytest

from imagegen_core.search import SearchQuery, SimilarityMatcher


def close_to(keyword):
    return SimilarityMatcher.from_query(SearchQuery.parse(keyword, lambda text: text))


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
    matcher = close_to("可爱的猫")

    assert prompts == sorted(sorted(prompts), key=matcher.rank)


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
    matcher = close_to("可爱的猫")
    near_token_sets = list(matcher.near_token_sets())

    assert ("可爱", "爱的", "的", "猫") in near_token_sets[:3]
    assert [("可爱", "猫")] == near_token_sets[3:]
    assert [("可爱",), ("猫",)] == list(matcher.far_token_sets())


def test_a_word_of_one_pair_is_not_taken_apart():
    """Words that stand alone are whole; only within a longer one may something come in between."""
    separate, joined = close_to("猫 可爱 窗台"), close_to("猫 可爱的猫")

    assert [("猫", "可爱", "窗台")] == list(separate.near_token_sets())
    assert ("猫", "可爱", "爱的", "的", "猫") in joined.near_token_sets()


def test_of_many_parts_a_few_are_left_out_in_turn():
    """The first, the last, and some between; four halves follow."""
    matcher = close_to("一二 三四 五六 七八 九十 天地 日月")

    far = [set(matcher.parts) - set(tokens) for tokens in matcher.far_token_sets()]
    assert [{"一二"}, {"五六"}, {"九十"}, {"日月"}] == far[:-4]


def test_sets_of_tokens_are_few():
    """However long a query is, the work is bounded."""
    words = " ".join(chr(code) + chr(code + 1) for code in range(0x4E00, 0x5E00, 2))

    matcher = close_to(words)

    assert (1, 4) == (len(list(matcher.near_token_sets())), len(list(matcher.far_token_sets())))
