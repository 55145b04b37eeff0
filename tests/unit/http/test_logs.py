"""What code adds to a log line is in it."""

import ast
from pathlib import Path

from imagegen_http.server.logs import _EXTRA_KEYS

SOURCES = sorted((Path(__file__).parents[3] / "src").rglob("*.py"))


def added(path):
    """Yield the names of literal ``extra=`` dictionaries."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "extra" and isinstance(node.value, ast.Dict):
            yield from (name.value for name in node.value.keys)


def test_nothing_that_is_added_to_a_log_line_is_left_out_of_it():
    """The core logs by the standard library; a key that is not listed would be dropped silently."""
    names = {name for path in SOURCES for name in added(path)}

    assert {"task_id", "blob_key"} <= names
    assert set() == names - set(_EXTRA_KEYS)
