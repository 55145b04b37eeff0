"""The check of names reads the glossary, and nothing gets past it."""

import pytest

from tests.vocabulary import GLOSSARY, Vocabulary


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary(GLOSSARY.read_text("utf-8"))


@pytest.mark.parametrize(
    "name",
    ["told", "_of", "picture_count", "PictureStore", "put_back", "BreakOffTask", "_LONGEST_LINE", "vendors"],
)
def test_what_the_glossary_replaced_is_a_fault(name, vocabulary):
    """As a whole name, as one of its words, in any case."""
    assert vocabulary.fault(name)


@pytest.mark.parametrize("name", ["task", "known_models", "of_task", "image", "MAX_PAGE_SIZE", "when_sent"])
def test_other_names_are_none(name, vocabulary):
    """What is no noun by itself may be a part of a name."""
    assert vocabulary.fault(name) is None
