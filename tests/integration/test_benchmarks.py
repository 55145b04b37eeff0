"""`./run bench`: each benchmark runs, and writes what it measured as JSON. How much that is, nobody says."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.markdown import DOCS, ROOT

pytestmark = pytest.mark.one_python

LOAD = ("--seconds", "0.1", "--callers", "2")
BENCHMARKS = {
    "accept": (LOAD, {"rate", "p99_ms", "processor_ms", "ratio"}),
    "end-to-end": ((*LOAD, "--number", "4", "--photographs", "2"), {"rate", "processor_ms", "copy_rate"}),
    "reads": ((*LOAD, "--images", "300"), {"rate", "p99_ms", "processor_ms", "ratio"}),
    "syscalls": (("--number", "1"), {"of_a_task", "idle"}),
    "waiting": (("--number", "4"), {"waiting_mb", "kb_each", "seconds"}),
    "start": (("--runs", "1"), {"processor_s", "elapsed_s", "memory_mb"}),
    "cluster": ((*LOAD, "--nodes", "1", "2", "--tasks", "400"), {"rate", "p99_ms", "server_ms", "ratio"}),
    "cluster-nodes": (
        (
            *(*LOAD, "--nodes", "1", "2", "--workers", "2", "--upstream-seconds", "0.1", "--waves", "2"),
            *("--calls", "6"),
        ),
        {"rate", "p99_ms", "ratio", "waiting_mb", "processor_ms", "database_ms", "cores"},
    ),
    "growth-postgresql": (("--images", "0", "50", "--tasks", "12"), {"images", "bytes", "number"}),
    "marks-postgresql": (
        ("--images", "300", "--callers", "2", "--rounds", "1"),
        {"images", "batch_ms", "log_kb", "page_ms", "days_ms", "again_ms", "beside_ms"},
    ),
    "insert": (("--number", "4", "--images", "50", "--runs", "1"), {"rate", "processor_ms"}),
    "statements": (("--number", "6", "--at-once", "1", "3"), {"at_once", "runs", "processor_us"}),
    "log-lines": (("--number", "50"), {"processor_us"}),
    "thumbnails": (("--runs", "1"), {"processor_ms", "bytes", "similarity"}),
    "go-plan": (
        (*LOAD, "--images", "300", "--number", "4", "--photographs", "2"),
        {"rate", "plan_rate", "plan_p99_ms", "ratio"},
    ),
    "document-limits": (("--number", "5", "--seconds", "60"), {"number", "worst_ms", "worst_mb"}),
    "usage": (("--tasks", "50", "--runs", "1"), {"tasks", "rows", "ms"}),
    "webhooks": (
        ("--rounds", "1", "--seconds", "0.1", "--number", "4"),
        {"rate", "processor_ms", "more", "slower"},
    ),
    "profiling": (("--seconds", "1", "--callers", "2"), {"accept", "record by id", "list, page 1"}),
}
HAS_GO = shutil.which("go") and Path("/usr/share/gocode/src/github.com/mattn/go-sqlite3").is_dir()
HAS_TOOLS = {"go-plan": HAS_GO, "profiling": shutil.which("py-spy")}
"""Benchmarks with programs that nothing here installs; they are tested where those are."""

LONG = {
    "cluster",
    "cluster-nodes",
    "go-plan",
    "growth-postgresql",
    "marks-postgresql",
    "insert",
    "thumbnails",
    "waiting",
    "webhooks",
}


def bench(*arguments):
    command = [sys.executable, "benchmarks", *arguments]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.long] if name in LONG else [])
        for name in BENCHMARKS
        if HAS_TOOLS.get(name, True)
    ],
)
def test_a_benchmark_writes_what_it_measured(tmp_path, name):
    """Each row has a title, and each of the keys is in some row, beside the machine."""
    if name == "syscalls" and not shutil.which("strace"):
        pytest.skip("strace is missing; .ci/run installs it")
    options, keys = BENCHMARKS[name]

    bench(name, "--json", str(tmp_path / "result.json"), *options)

    result = json.loads((tmp_path / "result.json").read_text("utf-8"))
    (report,) = result["benchmarks"].values()
    assert set() == keys - {key for row in report["rows"] for key, value in row.items() if value is not None}
    assert all(row["work"] for row in report["rows"])
    assert {"cores", "processor", "python"} <= report["machine"].keys()


@pytest.mark.long
def test_reads_are_plotted(tmp_path):
    """A line for each kind of read that may grow with the gallery, and each size of it."""
    drawing = tmp_path / "reads.svg"

    bench("reads", *LOAD, "--images", "300", "--only", "record", "--svg", str(drawing))

    assert "record by id, each another, 300" in drawing.read_text("utf-8")


@pytest.mark.long
def test_searches_are_measured_as_images_grow_in_number(tmp_path):
    """A column for each number."""
    prompts = tmp_path / "prompts"
    prompts.write_text("a cat 猫 4k\n" * 200, encoding="utf-8")

    options = ("--prompts", prompts, "--work-dir", tmp_path, "--sizes", "100", "200")
    lines = bench("growth", *options).splitlines()

    assert "| | 100 | 200 |" in lines
    assert any(line.startswith("| LIKE, a common character, p95 ms |") for line in lines)


@pytest.mark.parametrize("name", ["bad-searches", "callers", "memory", "search", "search-postgresql"])
def test_a_benchmark_without_json_says_what_it_takes(name):
    """It finds all that it imports, wherever it is started."""
    assert "--help" in bench(name, "--help")


def test_the_list_names_each_benchmark_and_marks_those_of_the_page():
    """The page has a place for the table of each that runs when none is named."""
    lines = bench("--list").splitlines()[:-1]
    page = (DOCS / "explanation" / "performance.md").read_text("utf-8")

    marked = [line.split()[1] for line in lines if line.startswith("*")]
    assert BENCHMARKS.keys() <= {line[2:].split()[0] for line in lines}
    assert [] == [name for name in marked if f"<!-- {name.replace('-', '_')} -->" not in page]
