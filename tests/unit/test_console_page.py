"""The page about the console calls everything what it is called there."""

import re

import pytest

from tests.markdown import DOCS, ROOT, prose

SENTENCES = ROOT / "src" / "imagegen_http" / "static" / "console" / "i18n"
PAGE = "how-to/use-the-console.md"


@pytest.mark.parametrize(
    ("page", "language"), [(DOCS / PAGE, "en"), (DOCS / "zh-CN" / PAGE, "zh")], ids=["English", "Chinese"]
)
def test_what_the_page_names_is_on_the_console(page, language):
    """In quotes, as it is written there."""
    files = [SENTENCES / f"{language}.js", *(SENTENCES / language).glob("*.js")]
    shown = "".join(file.read_text("utf-8") for file in files)
    named = re.findall(r"“([^”]+)”", " ".join(prose(page).split("\n\n", 2)[2].split()))

    assert named
    assert [] == [each for each in named if f'"{each}' not in shown]
