"""The console says the same in Chinese and in English."""

import re
from pathlib import Path

import pytest

import imagegen_http

_CONSOLE = Path(imagegen_http.__file__).parent / "static" / "console"
_ENTRIES = """
const done = arguments[arguments.length - 1];
const entries = (part, path) => typeof part === "string" || "other" in part
  ? [[path.join("."), typeof part === "string" ? part : part.other]]
  : Object.entries(part).flatMap(([name, inner]) => entries(inner, [...path, name]));
Promise.all(arguments[0].map((file) => import(`/console/i18n/${file}.js`))).then(
  (files) => done(Object.fromEntries(files.flatMap(({ default: all }) => entries(all, [])))), done);
"""


@pytest.fixture
def sentences(chromium, serve):
    """Return the sentences of both languages by their keys, those that differ by number as for many."""
    chromium.get(f"{serve().url}/health/live")
    return {language: chromium.execute_async_script(_ENTRIES, _files(language)) for language in ("zh", "en")}


def _files(language):
    return [language, *(f"{language}/{path.stem}" for path in (_CONSOLE / "i18n" / language).glob("*.js"))]


def _sources():
    folders = (_CONSOLE / name for name in (".", "lib", "parts", "pages"))
    return {path: path.read_text("utf-8") for folder in folders for path in folder.glob("*.js")}


def test_both_languages_have_the_same_sentences(sentences):
    """With the same names in them."""
    chinese, english = (
        {key: set(re.findall(r"\{(\w+)\}", text)) for key, text in sentences[language].items()}
        for language in ("zh", "en")
    )

    assert chinese == english


def test_every_sentence_that_the_pages_name_exists(sentences):
    """Those with a part that is filled in when it is said have at least one that fits."""
    named = {
        (path.name, key)
        for path, text in _sources().items()
        for key in re.findall(r"\bt\(\s*[\"']([\w.]+)[\"']", text)
    }
    filled = {
        (path.name, key)
        for path, text in _sources().items()
        for key in re.findall(r"\bt\(`([\w.]+\.)\$\{", text)
    }

    assert [] == [one for one in named if one[1] not in sentences["zh"]]
    assert [] == [one for one in filled if not any(key.startswith(one[1]) for key in sentences["zh"])]


def test_no_page_has_a_sentence_of_its_own():
    """Chinese stands in the dictionary alone, so that English readers miss nothing."""
    wrong = {
        path.name: written
        for path, text in _sources().items()
        if (written := re.findall(r"[\u4e00-\u9fff]+", re.sub(r"//.*|/\*.*?\*/", "", text)))
    }

    assert {} == wrong
