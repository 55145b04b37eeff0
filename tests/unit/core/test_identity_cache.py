"""What is worked out once for the same objects, and forgotten with them."""

import gc

import attrs
import pytest

from imagegen_core.values import IdentityCache


@attrs.frozen
class Value:
    """Something that is equal to others of the same text."""

    text: str


def test_a_result_is_made_once_for_the_same_objects():
    """Others that are equal to them get one of their own."""
    cache, numbers = IdentityCache(), []
    one, other = Value("a"), Value("a")

    def make():
        numbers.append(None)
        return len(numbers)

    assert [1, 1, 2, 3, 3] == [
        cache.result_for(objects, make) for objects in ((one,), (one,), (other,), (one, other), (one, other))
    ]


def test_a_result_is_forgotten_with_the_first_of_its_objects():
    """The other object may live on; an object that gets the same place in memory has no result."""
    cache, lasting = IdentityCache(), Value("lasting")
    results = [Value("result")]

    for _ in range(100):
        passing = Value("passing")
        cache.result_for((passing, lasting), lambda: results[0])
        del passing
    gc.collect()

    assert {} == cache._results


def test_an_error_is_not_kept():
    """The next call tries again."""
    cache, value = IdentityCache(), Value("a")

    def fail():
        raise KeyError

    with pytest.raises(KeyError):
        cache.result_for((value,), fail)

    assert "made" == cache.result_for((value,), lambda: "made")
