"""Pages, cursors, and parsing of keywords."""

import pytest

from imagegen_core.errors import ValidationFailed
from imagegen_core.search import Paging, SearchQuery, decode_cursor, encode_cursor, fold


def simplify(text):
    return text.replace("貓", "猫").replace("愛", "爱")


def test_a_cursor_leads_back_to_its_position():
    """A cursor works for the query that it was made for."""
    assert 42 == decode_cursor(encode_cursor(42, ["images", None]), ["images", None])


@pytest.mark.parametrize(
    "cursor", ["", "x", "!!!!", "e30", "W10", encode_cursor(1, "other"), encode_cursor(-1, "q"), "A" * 500]
)
def test_any_other_cursor_is_refused(cursor):
    """Cursors that are malformed, of another query, or forged are refused."""
    with pytest.raises(ValidationFailed):
        decode_cursor(cursor, "q")


@pytest.mark.parametrize(
    "paging", [{"page": 0}, {"page": -1}, {"page_size": 0}, {"page_size": 101}, {"page": 10**9}]
)
def test_a_page_that_cannot_be_is_refused(paging):
    """Pages start at 1, sizes end at 100."""
    with pytest.raises(ValidationFailed):
        Paging(**paging)


@pytest.mark.parametrize(
    ("keyword", "words"),
    [
        ("可爱 猫", ("可爱", "猫")),
        ("可爱　猫", ("可爱", "猫")),
        ('"可爱的 猫" 海', ("可爱的 猫", "海")),
        ('a"b', ('a"b',)),
        ('"open', ('"open',)),
        ('""', ('""',)),
        ("ＣＡＴ Cat", ("cat",)),
        ("可愛的貓", ("可爱的猫",)),
        ("100% _a\\b* OR NOT", ("100%", "_a\\b*", "or", "not")),
    ],
)
def test_words_are_split_folded_and_literal(keyword, words):
    """Operators of search languages are literal characters."""
    assert words == SearchQuery.parse(keyword, simplify).words


@pytest.mark.parametrize("keyword", ["", "   ", "　", "x" * 10_001])
def test_an_empty_or_overlong_keyword_is_refused(keyword):
    """An empty or overlong keyword is refused."""
    with pytest.raises(ValidationFailed):
        SearchQuery.parse(keyword, simplify)


def test_folding_makes_case_width_and_script_alike():
    """Prompt and keyword are both folded, so they match."""
    assert fold("ＡＢＣ 可愛 ß", simplify) == fold("abc 可爱 SS", simplify)
