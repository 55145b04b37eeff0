"""Whatever is exempt from a check has its reason beside it, and no failure disappears without a trace."""

import ast
import re
from pathlib import Path

import pytest

from tests.vocabulary import modules

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in ("benchmarks", "docs", "src", "tests") for path in modules(ROOT / folder))

MARK = re.compile(r"# (noqa|type: ignore|pragma: no cover|fmt: (off|skip))")
MARK_WITH_REASON = re.compile(r"# (noqa: [A-Z]+\d+(, [A-Z]+\d+)* - \S|type: ignore\[[\w-]+\] +# \S)")
LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception"})
BROAD_ERRORS = frozenset({"Exception", "BaseException"})

CONVERSIONS = {
    "imagegen_adapters/images/decoder.py": "a broken EXIF block means no rotation",
}
"""Modules with a broad except that does none of the usual, and what it does instead."""


def _reasonless(text):
    return [line for line in text.splitlines() if MARK.search(line) and not MARK_WITH_REASON.search(line)]


def test_each_suppressed_check_has_its_reason_beside_it():
    """Rule and reason, in the line itself."""
    reasonless = {path: _reasonless(path.read_text("utf-8")) for path in FILES if path != Path(__file__)}

    assert {} == {path: lines for path, lines in reasonless.items() if lines}


@pytest.mark.parametrize(
    ("line", "is_reasonless"),
    [
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S608", True),
        ("x = 1  # noqa: S608 - a constant", False),
        ("x = 1  # noqa: S608, E501 - a constant", False),
        ("x = 1  # type: ignore", True),
        ("x = 1  # type: ignore[arg-type]", True),
        ("x = 1  # type: ignore[arg-type] # by value", False),
        ("x = 1  # pragma: no cover", True),
    ],
)
def test_a_mark_without_a_reason_is_recognised(line, is_reasonless):
    """The test of the test."""
    assert is_reasonless == bool(_reasonless(line))


def _is_broad(handler):
    return handler.type is None or bool(BROAD_ERRORS & {ast.unparse(n) for n in ast.walk(handler.type)})


def _leaves_a_trace(handler):
    """Return whether it raises, logs, or passes the exception on."""
    nodes = [node for statement in handler.body for node in ast.walk(statement)]
    logs = (isinstance(n, ast.Attribute) and n.attr in LOG_METHODS for n in nodes)
    passes_on = (isinstance(n, ast.Name) and n.id == handler.name for n in nodes)
    return any(isinstance(n, ast.Raise) for n in nodes) or any(logs) or any(passes_on)


def _silent(tree):
    """Return the lines of all broad excepts and suppressions that leave no trace."""
    handlers = [n for n in ast.walk(tree) if isinstance(n, ast.ExceptHandler)]
    suppressed = (
        call
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "suppress"
    )
    return [
        *(handler.lineno for handler in handlers if _is_broad(handler) and not _leaves_a_trace(handler)),
        *(call.lineno for call in suppressed if BROAD_ERRORS & {ast.unparse(error) for error in call.args}),
    ]


def test_each_broad_except_raises_logs_or_passes_the_exception_on():
    """A defect that is swallowed is never found; the exceptions are listed with what they do instead."""
    silent = [
        path.relative_to(ROOT / "src").as_posix()
        for path in FILES
        if path.is_relative_to(ROOT / "src") and _silent(ast.parse(path.read_text("utf-8")))
    ]

    assert sorted(CONVERSIONS) == silent


@pytest.mark.parametrize(
    ("body", "is_silent"),
    [
        ("except Exception:\n    pass", True),
        ("except:\n    pass", True),
        ("except (ValueError, BaseException):\n    x = 1", True),
        ("except ValueError:\n    pass", False),
        ("except Exception:\n    raise", False),
        ("except Exception as error:\n    raise ValueError from error", False),
        ("except Exception as error:\n    future.set_exception(error)", False),
        ("except Exception:\n    _log.exception('x')", False),
    ],
)
def test_a_broad_except_that_swallows_is_recognised(body, is_silent):
    """The test of the test."""
    assert is_silent == bool(_silent(ast.parse(f"try:\n    f()\n{body}")))


def test_a_broad_suppression_is_recognised():
    """It is an except that passes."""
    assert [2] == _silent(ast.parse("import contextlib\nwith contextlib.suppress(Exception):\n    f()"))
