"""What is looked up in an index to find similar prompts."""

from imagegen_adapters.stores.search import TextLookup, TokenSet
from imagegen_core.search import SearchQuery

NEAR, RECENT = 7, 200_007


def lookup_of(keyword, *, exact_count=0):
    query = SearchQuery.parse(keyword, lambda text: text)
    return TextLookup.of_similar(query, newest=400_007, oldest=(NEAR, RECENT), exact_count=exact_count)


def test_what_only_exact_matches_have_is_not_looked_up():
    """Whatever has two words of one token each contains both; what has one of them is among the newest."""
    expected = (TokenSet(tokens=("猫",), oldest=RECENT), TokenSet(tokens=("可爱",), oldest=RECENT))

    assert expected == lookup_of("猫 可爱").token_sets


def test_tokens_of_a_longer_word_may_stand_apart():
    """So what has all of them is looked up among more images, as what has something in between."""
    token_sets = lookup_of("可爱猫").token_sets

    assert TokenSet(tokens=("可爱", "爱猫"), oldest=NEAR) in token_sets
    assert TokenSet(tokens=("可", "爱猫"), oldest=NEAR) in token_sets


def test_nothing_is_looked_up_twice():
    """Not the token that another one implies, and no set again where a part less is another set."""
    token_sets = [" ".join(one.tokens) for one in lookup_of("窗台上望").token_sets]

    assert sorted(set(token_sets)) == sorted(token_sets)
    assert "窗台 上望" in token_sets


def test_exact_matches_take_no_place_of_similar_ones():
    """As many images more are examined, up to a bound."""
    assert [200, 205, 1000] == [lookup_of("猫", exact_count=n).max_examined for n in (0, 5, 5000)]
