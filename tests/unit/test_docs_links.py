"""Documents lead somewhere: links, anchors, named paths, and every page from the index of its language."""

import re

import pytest

from tests.markdown import DOCS, ROOT, anchors, links, name, prose

PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_INVENTED = ("inkwell",)
"""Providers that only a how-to knows."""
_OURS = re.compile(r"`((?:src|tests|docs|deploy|benchmarks)/[\w./-]*[\w/])`")


def _broken(page):
    """Yield the relative links of a page that lead nowhere."""
    for link in links(page, prose(page)):
        if link.target is None:
            continue
        inside = link.target.is_relative_to(ROOT)
        if (
            not inside
            or not link.target.exists()
            or (link.anchor and link.anchor not in anchors(link.target))
        ):
            yield link.address


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page):
    """File and heading exist, inside the repository."""
    assert [] == list(_broken(page))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_that_a_page_names_exist(page):
    """A path in backticks that begins with one of our directories is there; ``<…>`` and ``*`` are none."""
    named = [p for p in _OURS.findall(page.read_text("utf-8")) if not any(v in p for v in _INVENTED)]

    assert [] == [path for path in named if not (ROOT / path).exists()]


def _missing(index, pages):
    linked = {link.target for link in links(index, prose(index))}
    return [name(page) for page in pages if page != index and page not in linked]


def test_every_page_is_in_the_index():
    """Nobody has to guess what there is; the Chinese pages are in an index of their own."""
    chinese = DOCS / "zh-CN"
    english = [page for page in DOCS.rglob("*.md") if not page.is_relative_to(chinese)]

    assert [] == _missing(DOCS / "index.md", [*english, chinese / "index.md"])
    assert [] == _missing(chinese / "index.md", chinese.rglob("*.md"))
