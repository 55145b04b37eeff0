"""What is sent of a script or a style."""

import re
from pathlib import Path

import pytest

import imagegen_http
from imagegen_http.guard.static import without_comments

CONSOLE = Path(imagegen_http.__file__).parent / "static" / "console"


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (b"// why\nconst a = 1; // how\n", b"\nconst a = 1;\n"),
        (b"/**\n * what\n */\nf();", b"\n\n\nf();"),
        (b"  /* a */\n  b\n", b"\nb\n"),
        (b"/* a */ code();\n/* b */", b"/* a */ code();\n"),
        (b'const url = "https://example.com"; /* c */', b'const url = "https://example.com"; /* c */'),
    ],
)
def test_comments_are_left_out(source, body):
    """Every line is where it was, so that a place in the browser is one in the source."""
    assert body == without_comments(source)


def test_no_text_of_the_console_looks_like_a_comment():
    """What is left out of a line has no quote open before it."""
    wrong = [
        (path.name, line)
        for path in CONSOLE.rglob("*.js")
        if "vendor" not in path.parts
        for line in path.read_text("utf-8").splitlines()
        for code in re.findall(r"^(.*[;,{})\]])[ \t]+// ", line)
        if any(code.count(quote) % 2 for quote in "\"'`")
    ]

    assert [] == wrong


@pytest.mark.parametrize("script", sorted(CONSOLE.rglob("*.js")), ids=lambda path: path.name)
def test_no_template_has_a_line_that_looks_like_a_comment(script):
    """Before each line that is left out all templates have ended; a comment within one goes elsewhere."""
    source = script.read_bytes()
    lines, body = source.decode().splitlines(), without_comments(source).decode().splitlines()
    left_out = [n for n, line in enumerate(lines) if line.strip() and not body[n]]

    assert len(lines) == len(body)
    assert [] == [lines[n] for n in left_out if len(re.findall(r"(?<!\\)`", "\n".join(body[:n]))) % 2]
