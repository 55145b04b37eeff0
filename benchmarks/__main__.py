"""Runs benchmarks by their names: ``./run bench [NAME …] [--json FILE] [--page] [OPTION …]``.

Without a name it runs those whose tables are in docs/explanation/performance.md. Options that are not its
own go to each of the benchmarks, which say what they take: ``./run bench accept --help``.
"""

import argparse
import ast
import itertools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from reports import machine, table_lines

FOLDER = Path(__file__).parent
PAGE = FOLDER.parent / "docs" / "explanation" / "performance.md"
PERFORMANCE = ("accept", "end_to_end", "reads", "syscalls", "waiting", "start")
REPORTING = (
    *PERFORMANCE,
    "against",
    "cluster",
    "cluster_nodes",
    "growth_postgresql",
    "insert",
    "log_lines",
    "marks",
    "marks_postgresql",
    "pages",
    "thumbnails",
    "document_limits",
    "first_view",
    "litellm_proxy",
    "go_plan",
    "profiling",
    "reconnecting",
    "scrolling",
    "statements",
    "timeline",
    "usage",
    "webhooks",
)
"""Those that write JSON."""

OTHERS = ("memory", "callers", "search", "search_postgresql", "growth", "bad_searches")


def script(name):
    """Return the file of a benchmark, which may be named with hyphens."""
    return FOLDER / f"{name.replace('-', '_')}.py"


def existing(names):
    return [name for name in names if script(name).exists()]


def listing():
    """Yield a line about each benchmark."""
    width = max(map(len, (*REPORTING, *OTHERS)))
    for name in existing((*REPORTING, *OTHERS)):
        mark = "*" if name in PERFORMANCE else " "
        doc = ast.get_docstring(ast.parse(script(name).read_bytes())).splitlines()[0]
        yield f"{mark} {name.replace('_', '-'):{width}}  {doc}"
    yield "* is run if none is named"


def run(names, more, folder):
    """Run benchmarks one after the other; return the reports of those that succeeded, and the exit status."""
    reports, status = {}, 0
    for name in names:
        result = folder / f"{name}.json"
        json_options = ["--json", result] if name in REPORTING else []
        print(f"\n## {name}\n", flush=True)
        finished = subprocess.run([sys.executable, script(name), *json_options, *more], check=False)
        status = status or finished.returncode
        if result.exists():
            reports[name] = json.loads(result.read_text("utf-8"))
    return reports, status


def measured_on(date, system):
    """Return a line about a report's day and machine."""
    parts = (
        f"{system['cores']} cores of {system['processor']}",
        f"{system['memory_gb']} GB",
        system["system"],
        f"Python {system['python']}",
        f"load average {system['load_average']}",
    )
    return f"{date}; {', '.join(parts)}."


def with_reports(page, reports):
    """Return the text of a page with new tables between the marks of each benchmark."""
    for name, report in reports.items():
        lines = [
            measured_on(report["date"], report["machine"]),
            "",
            *table_lines(report["columns"], report["rows"]),
        ]
        marked = re.compile(rf"(<!-- {name} -->\n).*?(?=<!-- end -->)", re.DOTALL)
        text = "\n".join(lines)
        page = marked.sub(lambda mark, text=text: f"{mark[1]}\n{text}\n\n", page)
    return page


def main(arguments):
    names = list(itertools.takewhile(lambda argument: not argument.startswith("-"), arguments))
    parser = argparse.ArgumentParser(
        prog="./run bench",
        description=__doc__,
        add_help=not names,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all results there")
    parser.add_argument("--page", action="store_true", help=f"put the tables into {PAGE.name}")
    own, more = parser.parse_known_args(arguments[len(names) :])
    if own.list:
        print(*listing(), sep="\n")
        return 0
    names = [name.replace("-", "_") for name in names] or existing(PERFORMANCE)
    if unknown := set(names) - set(existing((*REPORTING, *OTHERS))):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}; there are\n" + "\n".join(listing()))
    with tempfile.TemporaryDirectory(prefix="imagegen-bench-") as folder:
        reports, status = run(names, more, Path(folder))
    if own.json:
        text = json.dumps({"machine": machine(), "benchmarks": reports}, ensure_ascii=False, indent=1)
        own.json.write_text(text, encoding="utf-8")
    if own.page:
        PAGE.write_text(with_reports(PAGE.read_text("utf-8"), reports), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
