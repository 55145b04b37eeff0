"""The reference of settings, in both languages, names every key, with default and variable, and no other."""

import re
from pathlib import Path
from typing import get_args

import attrs
import pytest

from imagegen_core.config import PROVIDER_FIELDS
from imagegen_http.settings.loader import PREFIX
from imagegen_http.settings.schema import Settings

DOCS = Path(__file__).parents[2] / "docs"
ENGLISH, CHINESE = DOCS / "reference" / "settings.md", DOCS / "zh-CN" / "reference" / "settings.md"

LANGUAGES = pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=["English", "Chinese"])


def _section(type_):
    """Return the attrs class of a field, optional or not, or None when it is a plain value."""
    candidates = (type_, *get_args(type_))
    return next(
        (each for each in candidates if attrs.has(each) and each.__module__ == Settings.__module__), None
    )


def _optional(type_):
    return type(None) in get_args(type_)


def _keys(settings_class=Settings, path=()):
    """Yield every key of the file as its dotted path and its field."""
    for field in attrs.fields(settings_class):
        key_path = (*path, field.name)
        section = _section(field.type)
        if section is None or _optional(field.type):
            yield ".".join(key_path), field
        if section is not None:
            yield from _keys(section, key_path)


def _tables(page):
    """Return the tables of keys and of a provider's fields: first column and whole row."""
    parts = re.split(r"^#+ ", page.read_text("utf-8"), flags=re.MULTILINE)[1:3]
    return [{m[1]: m[0] for m in re.finditer(r"^\| `([^`]+)` \|.*$", part, re.MULTILINE)} for part in parts]


def _types_and_defaults(page):
    return [cell.strip() for table in _tables(page) for row in table.values() for cell in row.split("|")[2:4]]


@LANGUAGES
def test_every_key_has_a_row_and_every_row_is_a_key(page):
    """Neither is one forgotten, nor is one left that was taken away."""
    keys, _ = _tables(page)

    assert sorted(key for key, _ in _keys()) == sorted(keys)


@LANGUAGES
@pytest.mark.parametrize("key", [key for key, _ in _keys() if key != "providers"])
def test_the_row_names_the_variable(page, key):
    """A key's variable is its path in capitals, with two underscores for each dot."""
    variable = PREFIX + key.upper().replace(".", "__")

    assert f"`{variable}`" in _tables(page)[0][key]


@LANGUAGES
@pytest.mark.parametrize(
    ("key", "default"),
    [
        (key, field.default)
        for key, field in _keys()
        if isinstance(field.default, (str, int, float)) and field.default != ""
    ],
)
def test_the_row_tells_the_default(page, key, default):
    """Numbers, words and truth values stand as they would be written in the file."""
    written = str(default).lower() if isinstance(default, bool) else str(default)

    assert f"`{written}`" in _tables(page)[0][key]


@LANGUAGES
def test_every_field_of_a_provider_has_a_row(page):
    """The table of a provider's fields is what the loader takes."""
    _, fields = _tables(page)

    assert sorted(PROVIDER_FIELDS) == sorted(fields)


def test_the_languages_agree_on_types_and_defaults():
    """Each type, range and default has one translation, wherever it stands, and no two have the same."""
    english, chinese = _types_and_defaults(ENGLISH), _types_and_defaults(CHINESE)

    pairs = set(zip(english, chinese, strict=True))
    assert len(set(english)) == len(pairs) == len(set(chinese))
