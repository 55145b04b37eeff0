"""No coroutine reads or writes a whole file itself: a slow disk would hold up everybody."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

WHOLE = frozenset({"read_bytes", "read_text", "write_bytes", "write_text", "readlines", "read"})


def _own_nodes(function):
    """Yield the nodes of a coroutine that run on the event loop; functions inside it run elsewhere."""
    waiting = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)


def _blocks(call):
    """Return whether a call opens a file, or takes all of one."""
    match call.func:
        case ast.Name(id="open"):
            return True
        case ast.Attribute(attr=name):
            return name in WHOLE and (name != "read" or not (call.args or call.keywords))
    return False


def _blocking(tree):
    """Return the lines on which coroutines block; what is awaited does not."""
    lines = []
    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef):
            nodes = list(_own_nodes(function))
            awaited = {id(node.value) for node in nodes if isinstance(node, ast.Await)}
            calls = [node for node in nodes if isinstance(node, ast.Call) and id(node) not in awaited]
            lines += [call.lineno for call in calls if _blocks(call)]
    return sorted(lines)


def test_no_coroutine_reads_a_whole_file():
    """It is read in a thread, or in pieces by a blob store."""
    blocking = {
        path.relative_to(SRC).as_posix(): lines
        for path in sorted(SRC.rglob("*.py"))
        if (lines := _blocking(ast.parse(path.read_text("utf-8"))))
    }

    assert {} == blocking


@pytest.mark.parametrize(
    ("line", "noticed"),
    [
        ("path.read_bytes()", True),
        ("data = json.loads(path.read_text())", True),
        ("with open(name) as file: pass", True),
        ("data = file.read()", True),
        ("data = await upload.read()", False),
        ("data = file.read(1000)", False),
        ("data = await asyncio.to_thread(path.read_bytes)", False),
        ("data = await asyncio.to_thread(lambda: path.read_bytes())", False),
    ],
)
def test_a_blocking_line_is_noticed(line, noticed):
    """And what another thread does is not."""
    assert noticed is bool(_blocking(ast.parse(f"async def work():\n    {line}")))
