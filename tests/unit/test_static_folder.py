"""What is sent of a script or a style."""

import pytest

from imagegen_http.asgi.static_folder import without_comments


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (b"// why\nconst a = 1; // stays\n", b"\nconst a = 1; // stays\n"),
        (b"/**\n * what\n */\nf();", b"\n\n\nf();"),
        (b"  /* a */\n  b\n", b"\nb\n"),
        (b"/* a */ code();\n/* b */", b"/* a */ code();\n"),
        (b'const url = "https://example.com"; /* c */', b'const url = "https://example.com"; /* c */'),
    ],
)
def test_comments_with_lines_of_their_own_are_left_out(source, body):
    """Every other line is where it was, so that a place in the browser is one in the source."""
    assert body == without_comments(source)
