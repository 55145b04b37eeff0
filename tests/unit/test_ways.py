"""The page about the ways of a prompt, an image and a key is true, and no way grows longer."""

import pytest

from tests.markdown import ROOT
from tests.ways import ways

MAX_FILES = {"prompt": 18, "image": 14, "key": 11}


@pytest.mark.parametrize("name", MAX_FILES)
def test_every_file_of_a_way_exists(name):
    """A step names what is in the tree; several may be in one file."""
    assert [] == [file for file in ways()[name] if not (ROOT / file).is_file()]


@pytest.mark.parametrize(("name", "maximum"), MAX_FILES.items())
def test_a_way_leads_through_few_files(name, maximum):
    """A reader can follow it; a layer that only passes the value on is one too many."""
    assert len(ways()[name]) <= maximum
