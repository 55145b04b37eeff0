"""The page about the console calls everything what it is called there."""

import re

import pytest

from tests.markdown import DOCS, ROOT, prose

CONSOLE = ROOT / "src" / "imagegen_http" / "static" / "console"
PAGE = "how-to/use-the-console.md"
HAN = r"[\u4e00-\u9fff]+"


@pytest.mark.parametrize(
    ("page", "label"),
    [(DOCS / PAGE, HAN), (DOCS / "zh-CN" / PAGE, rf"“({HAN})”")],
    ids=["English", "Chinese"],
)
def test_what_the_page_names_is_on_the_console(page, label):
    """The English page names it in Chinese, the Chinese one in quotes."""
    shown = "".join(file.read_text("utf-8") for file in CONSOLE.iterdir() if file.suffix in (".html", ".js"))
    body = prose(page).split("\n\n", 2)[2]

    named = re.findall(label, body)
    assert named
    assert [] == [each for each in named if each not in shown]
