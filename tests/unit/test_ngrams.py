"""Whatever part of a text is looked for, its tokens are among those of the text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagegen_core.search import (
    MAX_TERMS_PER_WORD,
    evenly_spaced,
    terms,
    text_of_token,
    tokens,
    without_implied,
)

TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from("猫可爱的小橘ab1 %_\\\"'*()é\u0301\ue021\ue0a1🐱𠮷 \x00\x1c　"),
    ),
    max_size=60,
)


@given(text=TEXTS, start=st.integers(0, 59), length=st.integers(1, 12))
def test_a_part_of_a_text_has_only_tokens_of_the_text(text, start, length):
    """So an index never misses a text, wherever the part begins and ends."""
    part = text[start : start + length]

    assert set(terms(part).tokens) <= set(tokens(text))


@given(text=TEXTS, word=TEXTS.filter(bool))
def test_a_proven_word_is_in_every_text_with_its_token(text, word):
    """What an index says about it needs no second look."""
    index_terms = terms(word[:3])

    assert not index_terms.proven or (set(index_terms.tokens) <= set(tokens(text))) == (word[:3] in text)


@given(text=TEXTS, word=TEXTS)
@example(text="\ue021", word="\ue0a1")
def test_a_token_is_in_the_index_where_its_text_is_in_the_prompt(text, word):
    """So either can be looked for, unless the token may stand for two texts."""
    texts = {token: text_of_token(token) for token in tokens(word)}

    for token, plain in texts.items():
        assert plain is None or (token in tokens(text)) == (plain in text)


@given(text=TEXTS, word=TEXTS)
def test_implied_tokens_change_nothing(text, word):
    """Whatever has the others has them, too."""
    looked_up, present = tuple(tokens(word)), set(tokens(text))

    assert (set(looked_up) <= present) == (set(without_implied(looked_up)) <= present)


@given(text=TEXTS)
def test_tokens_pass_an_index_unchanged(text):
    """No token holds white space or ASCII punctuation, at which an index would part it."""
    whole = " ".join(tokens(text))

    assert all(c.isalnum() or c == " " or ord(c) >= 0x80 for c in whole)
    assert tokens(text) == whole.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        (" \t　", set()),
        ("猫", {"猫"}),
        ("可爱的", {"可", "爱", "的", "可爱", "爱的"}),
        ("cat", {"c", "a", "t", "ca", "at", "cat"}),
        ("4k猫 x", {"4", "k", "猫", "4k", "k猫", "x"}),
        ("𠮷野家", {"𠮷", "野", "家", "𠮷野", "野家"}),
    ],
)
def test_tokens_are_single_characters_and_neighbours(text, expected):
    """Pairs in any script, threes in alphabets; nothing reaches across white space."""
    assert expected == set(tokens(text))


@pytest.mark.parametrize(
    ("word", "expected", "proven"),
    [
        ("猫", ("猫",), True),
        ("可爱", ("可爱",), True),
        ("可爱的", ("可爱", "爱的"), False),
        ("cat", ("cat",), True),
        ("cats", ("cat", "ats"), False),
        ("4k猫", ("4k", "k猫"), False),
        ("a b", ("a", "b"), False),
        (" a", ("a",), False),
        ("%", ("\ue025",), True),
        ("\ue025", ("\ue0a5",), False),
        (" ", (), False),
    ],
)
def test_a_word_is_asked_for_by_its_longest_tokens(word, expected, proven):
    """One token is proof; several may stand apart from each other in a text."""
    index_terms = terms(word)

    assert (expected, proven) == (index_terms.tokens, index_terms.proven)


def test_a_long_word_is_asked_for_by_a_few_tokens():
    """They are spread over the word, so that its beginning, middle and end count."""
    word = "".join(map(chr, range(0x4E00, 0x4F00)))

    index_terms = terms(word)

    assert (MAX_TERMS_PER_WORD, word[:2], word[-2:]) == (
        len(index_terms.tokens),
        index_terms.tokens[0],
        index_terms.tokens[-1],
    )
    assert (1, 3, 5) == evenly_spaced((1, 2, 3, 4, 5), 3)
