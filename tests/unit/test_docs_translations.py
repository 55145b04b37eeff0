"""What only one language of a page gained or lost fails here, but for mere words."""

import re

import pytest

from tests.markdown import (
    DOCS,
    ROOT,
    anchors,
    blocks,
    heading_levels,
    links,
    name,
    prose,
    sections,
    without_targets,
)

CHINESE = DOCS / "zh-CN"
INDEX = CHINESE / "index.md"
README = ROOT / "README.zh-CN.md"
PAGES = [README, *sorted(CHINESE.rglob("*.md"))]
TRANSLATIONS = [page for page in PAGES if page not in (README, INDEX)]
"""README and index are written for readers of Chinese; the others say the same, sentence by sentence."""

_HAN = "[\u4e00-\u9fff]"
_COMMENT = re.compile(r"(^|(?<=\s))(#|//) .*$", re.MULTILINE)
_LANGUAGE_ASKED_FOR = re.compile(r"(Accept-Language: )(en|zh)\b")


def _english(page):
    """Return the page that a Chinese one is the translation of."""
    return ROOT / "README.md" if page == README else DOCS / page.relative_to(CHINESE)


def _without_comments(block):
    kind, text = block
    lines = _LANGUAGE_ASKED_FOR.sub(r"\1", _COMMENT.sub("", text)).splitlines()
    return kind, [line.rstrip() for line in lines if line.strip()]


def _code(text):
    return {" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)}


def _rows(text):
    return re.findall(r"^\|.*$", text, re.MULTILINE)


def _paragraphs(text):
    """Return how many paragraphs and items of lists there are beside the tables."""
    beside = re.sub(r"^\|.*\n?", "", text, flags=re.MULTILINE)
    return len([part for part in re.split(r"\n\s*\n|\n(?=- |\d+\. )", beside) if part.strip()])


def _numbers(text):
    """Return the numbers outside of code that nobody spells, of two digits and more; a million is 100 万."""
    shown = re.sub(r"(\d+) mega", r"\g<1>00 万", re.sub(r"`[^`]*`", "", without_targets(text)))
    return set(re.findall(r"\d[\d.,]*\d", shown))


def _destination(link):
    """Return where a link leads, in the words of the English pages: the page, and its heading by number."""
    if link.target is None:
        return link.address, None
    heading = anchors(link.target).index(link.anchor) if link.anchor else None
    translated = link.target in PAGES
    return name(_english(link.target) if translated else link.target), heading


def _destinations(page):
    """Return the destinations of each section, without the link to the other language."""
    return [
        {_destination(link) for link in links(page, text) if link.text not in ("中文", "English")}
        for text in sections(page)
    ]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_page_and_its_translation_link_to_each_other(page):
    """Below the title, before anything else."""
    first = [links(each, prose(each))[0] for each in (_english(page), page)]

    assert [page, _english(page)] == [link.target for link in first]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_chinese_page_leads_to_chinese_ones(page):
    """A page that is translated is linked to in English as the other language only."""
    translated = {_english(each) for each in (README, *TRANSLATIONS)}
    later = links(page, prose(page))[1:]

    assert [] == [link.address for link in later if link.target in translated]


@pytest.mark.parametrize("page", [README, *TRANSLATIONS], ids=name)
def test_the_headings_are_the_same(page):
    """As many, as deep, in the same order."""
    assert heading_levels(_english(page)) == heading_levels(page)


@pytest.mark.parametrize("page", TRANSLATIONS, ids=name)
def test_the_blocks_are_the_same(page):
    """But for comments, and the language that answers are asked for in."""
    expected = [_without_comments(block) for block in blocks(_english(page))]

    assert expected == [_without_comments(block) for block in blocks(page)]


@pytest.mark.parametrize("page", TRANSLATIONS, ids=name)
def test_each_section_sets_the_same_in_code(page):
    """No key, command, error or path is lost, and none is added."""
    assert [_code(text) for text in sections(_english(page))] == [_code(text) for text in sections(page)]


@pytest.mark.parametrize("page", TRANSLATIONS, ids=name)
def test_each_row_of_a_table_sets_the_same_in_code(page):
    """A key stands beside the same default and variable, an error beside the same advice."""
    expected = [_code(row) for row in _rows(prose(_english(page)))]

    assert expected == [_code(row) for row in _rows(prose(page))]


@pytest.mark.parametrize("page", TRANSLATIONS, ids=name)
def test_each_section_has_as_many_paragraphs(page):
    """One that came or went, did so in both; items of lists count, too."""
    expected = [_paragraphs(text) for text in sections(_english(page))]

    assert expected == [_paragraphs(text) for text in sections(page)]


@pytest.mark.parametrize("page", TRANSLATIONS, ids=name)
def test_no_number_is_lost(page):
    """Those of each English section are in the Chinese one."""
    pairs = zip(sections(_english(page)), sections(page), strict=True)

    assert [] == [lost for english, chinese in pairs if (lost := _numbers(english) - _numbers(chinese))]


@pytest.mark.parametrize("page", TRANSLATIONS, ids=name)
def test_each_section_links_to_the_same(page):
    """To the same headings, too, in the one language or the other."""
    assert _destinations(_english(page)) == _destinations(page)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_chinese_is_set_as_such(page):
    """A space between Chinese and Latin words, and full-width punctuation after Chinese."""
    shown = without_targets(prose(page)).replace("*", "")
    joined = rf"{_HAN}[A-Za-z0-9`]|[A-Za-z0-9`]{_HAN}|{_HAN} ?[,;:?!()]"

    assert [] == [line for line in shown.splitlines() if re.search(joined, re.sub("`[^`]*`", "`x`", line))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_bold_words_are_bold(page):
    """Markdown takes no asterisks for marks that stand between Chinese punctuation and a letter."""
    shown = re.sub("`[^`]*`", "`x`", prose(page))
    words = re.findall(r"(?<!\*)(\*{1,2})(?!\*)(.+?)\1(?!\*)(.?)", shown)

    assert [] == [
        bold for _, bold, after in words if re.search(r"[，。：；！？）”]$", bold) and re.match(r"\w", after)
    ]
