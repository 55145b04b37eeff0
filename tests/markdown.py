"""What a Markdown page consists of: prose, fenced blocks, headings, links."""

import re
from pathlib import Path
from urllib.parse import unquote

import attrs

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^ *```(?P<kind>\w*)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) +(.*)$", re.MULTILINE)
_LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")


def name(page: Path) -> str:
    """Return the path of a page inside the repository."""
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return the fenced blocks in their order: kind and text."""
    return [(m["kind"], m["text"]) for m in _FENCE.finditer(page.read_text("utf-8"))]


def heading_levels(page: Path) -> list[int]:
    """Return how deep each heading is."""
    return [len(marks) for marks, _ in _HEADING.findall(prose(page))]


def sections(page: Path) -> list[str]:
    """Return the prose below each heading, up to the next of any level."""
    return _HEADING.split(prose(page))[3::3]


def anchors(page: Path) -> list[str]:
    """Return the anchors that the forge makes of the headings; those that read alike are numbered."""
    plain = [_anchor(heading) for _, heading in _HEADING.findall(prose(page))]
    earlier = [plain[:number].count(anchor) for number, anchor in enumerate(plain)]
    return [f"{anchor}-{n}" if n else anchor for anchor, n in zip(plain, earlier, strict=True)]


def _anchor(heading: str) -> str:
    shown = without_targets(heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")


def without_targets(text: str) -> str:
    """Return a text with its links as a reader sees them."""
    return _LINK.sub(r"\1", text)


@attrs.frozen
class Link:
    """The target of an address that leads out is ``None``; another need not exist."""

    text: str
    address: str
    target: Path | None
    anchor: str


def links(page: Path, text: str) -> list[Link]:
    """Return the links of a text of a page, in their order."""
    return [_link(page, shown, address) for shown, address in _LINK.findall(text)]


def _link(page: Path, shown: str, address: str) -> Link:
    if re.match(r"[a-z][a-z0-9+.-]*:", address):
        return Link(shown, address, None, "")
    path, _, anchor = unquote(address).partition("#")
    return Link(shown, address, (page.parent / path).resolve() if path else page, anchor)
