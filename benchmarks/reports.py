"""What a benchmark found: a table for people, JSON for programs, and the machine of both."""

import argparse
import json
import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import attrs

MIB = 1024 * 1024


@attrs.frozen
class Report:
    """Rows of values by the keys of ``columns``, which have their headings."""

    benchmark: str
    columns: dict
    rows: list = attrs.field(factory=list)

    def add(self, **row):
        """Add a row, and say on a terminal how far the benchmark is."""
        row = {
            key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in row.items()
        }
        self.rows.append(row)
        if sys.stderr.isatty():
            sys.stderr.write(f"{self.benchmark}: {next(iter(row.values()))} {' '.join(cells(row)[1:3])}\n")

    def table(self):
        return "\n".join(table_lines(self.columns, self.rows))

    def value(self):
        """Return what the JSON holds."""
        return {
            "benchmark": self.benchmark,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "columns": self.columns,
            "rows": self.rows,
        }

    def publish(self, json_path):
        """Print the table; write the JSON if it has a path."""
        print(self.table(), flush=True)
        if json_path:
            json_path.write_text(json.dumps(self.value(), ensure_ascii=False, indent=1), encoding="utf-8")


def table_lines(columns, rows):
    """Yield the lines of a Markdown table."""
    yield f"| {' | '.join(columns.values())} |"
    yield "|---" * len(columns) + "|"
    for row in rows:
        yield f"| {' | '.join(cells({key: row.get(key) for key in columns}))} |"


def cells(row):
    return [_cell(value) for value in row.values()]


def _cell(value):
    if value is None:
        return "–"
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else str(value)
    digits = next((digits for bound, digits in ((100, 0), (10, 1), (1, 2)) if abs(value) >= bound), 3)
    return f"{value:,.{digits}f}" if value else "0"


def machine():
    """Return what the figures are figures of."""
    cpu = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": cpu[0].partition(":")[2].strip() if cpu else platform.machine(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 1),
    }


def option_parser(doc):
    """Return a parser of the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the result there too")
    parser.add_argument("--work-dir", type=Path, metavar="D", help="on the disk that is to be measured")
    return parser


def add_load_options(parser, *, callers, seconds=5.0):
    """Add the options of a closed loop."""
    parser.add_argument("--callers", type=int, nargs="+", default=callers, metavar="N", help="at once")
    parser.add_argument("--seconds", type=float, default=seconds, help="of each measurement")
