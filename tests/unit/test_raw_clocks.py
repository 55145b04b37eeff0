"""Time comes from the `Clock` port, so that a test can move it; only deadlines are measured otherwise."""

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

READINGS = frozenset(
    {
        *("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns"),
        *("time.perf_counter", "time.perf_counter_ns", "time.gmtime", "time.localtime", "time.ctime"),
        *("datetime.now", "datetime.utcnow", "datetime.today", "date.today"),
    }
)

NAMES = frozenset(reading.rpartition(".")[2] for reading in READINGS)

EXCEPTIONS = {
    "imagegen_adapters/archives/s3.py": "the time of a signature, which S3 compares with its own",
    "imagegen_adapters/system.py": "the port's own adapter",
    "imagegen_adapters/stores/sqlite/database.py": "deadlines of reads and of checkpoints, in threads",
}

LOOP_TIME = {
    "imagegen_adapters/archives/bucket.py": "until when a request is tried again",
    "imagegen_adapters/outbound/client.py": "the deadline of a download, and how long it waited for bytes",
    "imagegen_adapters/outbound/addresses.py": "for how many seconds an address is taken for granted",
    "imagegen_adapters/outbound/transport.py": "the deadlines of a call and of a connection",
    "imagegen_core/running/exchange.py": "how long an answer that arrives is waited for",
    "imagegen_http/guard/delivery.py": "how long a peer has to confirm what it got",
}
"""`loop.time` is what `asyncio.timeout_at` and `asyncio.wait` count by; nothing stored comes from it."""


def _trees():
    """Yield each module's path below ``src`` and its tree."""
    for path in sorted(SRC.rglob("*.py")):
        yield path.relative_to(SRC).as_posix(), ast.parse(path.read_text("utf-8"))


def _attributes(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]


def _reads_a_raw_clock(tree):
    imported = {
        f"{node.module}.{name.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "time"
        for name in node.names
    }
    named = [node for node in _attributes(tree) if node.attr in NAMES]
    read = {".".join(ast.unparse(node).split(".")[-2:]) for node in named}
    return bool(READINGS & (imported | read))


def _reads_loop_time(tree):
    return any(
        node.attr == "time" and ast.unparse(node.value).rstrip("()").endswith("loop")
        for node in _attributes(tree)
    )


@pytest.mark.parametrize(
    ("reads", "allowed"),
    [(_reads_a_raw_clock, EXCEPTIONS), (_reads_loop_time, LOOP_TIME)],
    ids=["raw clocks", "loop time"],
)
def test_only_the_listed_modules_measure_time_themselves(reads, allowed):
    """Each has its reason; one that no longer does is taken off the list."""
    assert sorted(allowed) == [path for path, tree in _trees() if reads(tree)]


@pytest.mark.parametrize(
    "text",
    [
        *("import time\ntime.time()", "import time\nf(time.monotonic)", "from time import perf_counter"),
        *("from datetime import datetime\ndatetime.now(UTC)", "import datetime\ndatetime.datetime.utcnow()"),
    ],
)
def test_a_raw_clock_is_noticed(text):
    """Called or handed on, by whatever import."""
    assert _reads_a_raw_clock(ast.parse(text))


def test_loop_time_is_noticed():
    """Of a variable or of the call that returns the loop."""
    texts = ("loop.time()", "self._loop.time()", "asyncio.get_running_loop().time()", "clock.time()")

    assert [True, True, True, False] == [_reads_loop_time(ast.parse(text)) for text in texts]
