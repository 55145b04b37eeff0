"""JSON in rows: what is stored comes back."""

from types import MappingProxyType

import pytest

from imagegen_adapters.stores.rows import object_from_json, object_to_json


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"prompt": "一只猫", "seed": 7, "strength": 0.5, "tiled": True, "mask": None, "sizes": [1, 2]},
        {"seed": 10**30, "tiny": 1e-300},
        {"extra": MappingProxyType({"deep": MappingProxyType({"a": [1]})})},
    ],
)
def test_an_object_comes_back_as_it_was(value):
    """In any script, with numbers of any size, read-only or not."""
    assert value == object_from_json(object_to_json(value))


def test_text_that_is_not_valid_comes_back_repaired():
    """A lone surrogate must not make a task unstorable."""
    assert {"a": "x\N{REPLACEMENT CHARACTER}"} == object_from_json(object_to_json({"a": "x\ud800"}))
