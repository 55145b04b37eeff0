"""Documents lead somewhere: links, anchors, named paths, and every page from the index."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_INVENTED = ("inkwell",)
"""Vendors that only a how-to knows."""
_OURS = re.compile(r"`((?:src|tests|docs|deploy|benchmarks)/[\w./-]*[\w/])`")


def _name(page):
    return str(page.relative_to(ROOT))


def _prose(page):
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def _anchor(heading):
    """Return the anchor that the forge makes of a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def _anchors(page):
    """Return a page's anchors; headings that read alike are numbered."""
    found = {}
    for heading in _HEADING.findall(_prose(page)):
        anchor = _anchor(heading)
        found[anchor] = found.get(anchor, -1) + 1
    return {a if n == 0 else f"{a}-{n}" for a, last in found.items() for n in range(last + 1)}


def _broken(page):
    """Yield the relative links of a page that lead nowhere."""
    for link in _LINK.findall(_prose(page)):
        if re.match(r"[a-z][a-z0-9+.-]*:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        inside = target.is_relative_to(ROOT)
        if not inside or not target.exists() or (anchor and anchor not in _anchors(target)):
            yield link


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_relative_links_lead_somewhere(page):
    """File and heading exist, inside the repository."""
    assert [] == list(_broken(page))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_paths_that_a_page_names_exist(page):
    """A path in backticks that begins with one of our directories is there; ``<…>`` and ``*`` are none."""
    named = [p for p in _OURS.findall(page.read_text("utf-8")) if not any(v in p for v in _INVENTED)]

    assert [] == [path for path in named if not (ROOT / path).exists()]


def test_every_page_is_in_the_index():
    """Nobody has to guess what there is."""
    index = DOCS / "index.md"
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in _LINK.findall(_prose(index))}

    assert [] == [_name(p) for p in DOCS.rglob("*.md") if p != index and p not in linked]
