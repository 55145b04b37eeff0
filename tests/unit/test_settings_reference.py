"""The reference of settings names every key, with default and variable, and none that is not there."""

import re
from pathlib import Path
from typing import get_args

import attrs
import pytest

from imagegen_http.environment import PREFIX
from imagegen_http.provider_settings import PROVIDER_FIELDS
from imagegen_http.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def _section(of):
    """Return the attrs class of a field, optional or not, or None when it is a plain value."""
    candidates = (of, *get_args(of))
    return next(
        (each for each in candidates if attrs.has(each) and each.__module__ == Settings.__module__), None
    )


def _optional(of):
    return type(None) in get_args(of)


def _keys(of=Settings, path=()):
    """Yield every key of the file as its dotted path and its field."""
    for field in attrs.fields(of):
        here = (*path, field.name)
        section = _section(field.type)
        if section is None or _optional(field.type):
            yield ".".join(here), field
        if section is not None:
            yield from _keys(section, here)


def _rows(heading):
    """Return the first column of each table below a heading, up to the next, with the whole row."""
    text = PAGE.read_text("utf-8")
    part = re.split(r"^#+ ", text, flags=re.MULTILINE)
    body = next(each for each in part if each.startswith(heading))
    return {m[1]: m[0] for m in re.finditer(r"^\| `([^`]+)` \|.*$", body, re.MULTILINE)}


def test_every_key_has_a_row_and_every_row_is_a_key():
    """Neither is one forgotten, nor is one left that was taken away."""
    rows = _rows("Settings\n")

    assert sorted(key for key, _ in _keys()) == sorted(rows)


@pytest.mark.parametrize("key", [key for key, _ in _keys() if key != "providers"])
def test_the_row_names_the_variable(key):
    """A key's variable is its path in capitals, with two underscores for each dot."""
    variable = PREFIX + key.upper().replace(".", "__")

    assert f"`{variable}`" in _rows("Settings\n")[key]


@pytest.mark.parametrize(
    ("key", "default"),
    [
        (key, field.default)
        for key, field in _keys()
        if isinstance(field.default, (str, int, float)) and field.default != ""
    ],
)
def test_the_row_tells_the_default(key, default):
    """Numbers, words and truth values stand as they would be written in the file."""
    written = str(default).lower() if isinstance(default, bool) else str(default)

    assert f"`{written}`" in _rows("Settings\n")[key]


def test_every_field_of_a_provider_has_a_row():
    """The table of a provider's fields is what the loader takes."""
    assert sorted(PROVIDER_FIELDS) == sorted(_rows("Providers\n"))
