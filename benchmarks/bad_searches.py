"""Asks a real server what nobody should ask, over a filled data directory, in both modes.

::

    python benchmarks/bad_searches.py --data-dir D [--rounds 5]

Prints for each kind of bad input what it is answered and the slowest answer in milliseconds. Ends with 1 if
one is neither 200 nor 400 with code 40000, or takes more than two seconds.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

SEARCH = "/api/v1/images/search"
START_SECONDS = 30
MAX_SECONDS = 2.0

OPERATORS = 'NEAR("猫" OR 狗*) AND NOT ^a:b % _ \\ '
BAD = {
    "nothing": {"keyword": ""},
    "only spaces": {"keyword": " \u3000\t "},
    "only punctuation": {"keyword": "，。、！？"},
    "a comma": {"keyword": "，"},
    "an unclosed quote": {"keyword": '"可爱的猫'},
    "quotes alone": {"keyword": '""'},
    "SQL": {"keyword": "'; DROP TABLE images; --"},
    "FTS5's language": {"keyword": "猫 AND NOT prompt:狗* NEAR(a b)"},
    "10 KB of operators": {"keyword": OPERATORS * (10_240 // len(OPERATORS.encode()))},
    "the longest words that are taken": {"keyword": ("可爱的猫" * 64)[:256]},
    "many common characters": {"keyword": " ".join("的一是在不了有和人这中大为上个国我以要他")},
    "NUL": {"keyword": "猫\0狗"},
    "a page beyond the end": {"keyword": "猫", "page": 999_999},
    "a page beyond all numbers": {"keyword": "猫", "page": 10**30},
    "page 0": {"keyword": "猫", "page": 0},
    "a cursor that is none": {"keyword": "猫", "cursor": "bm90IGEgY3Vyc29y"},
    "a cursor of another query": {"keyword": "狗"},
}


def main() -> int:
    """Print the table and say whether all went well."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--data-dir", type=Path, required=True)
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = chosen.data_dir.absolute()
        environ = {**os.environ, "IMAGEGEN_DATA_DIR": str(data_dir), "IMAGEGEN_SERVER__PORT": "0"}
        script = Path(sys.executable).with_name("imagegen")
        with Path(folder, "log").open("w") as log:
            server = subprocess.Popen([script, "serve"], cwd=folder, env=environ, stderr=log)
        try:
            with httpx.Client(base_url=_url(data_dir, server), timeout=30, trust_env=False) as api:
                return _ask_all(api, chosen.rounds)
        finally:
            server.terminate()
            server.wait(60)


def _url(data_dir: Path, server: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        announced = data_dir / "server.json"
        told = json.loads(announced.read_text() or "{}") if announced.exists() else {}
        if told.get("pid") == server.pid:
            return str(told["url"])
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def _ask_all(api: httpx.Client, rounds: int) -> int:
    failed = 0
    print("| what | contains | relevant | slowest, ms |\n|---|---|---|---|")
    for kind, params in BAD.items():
        answers, slowest = [], 0.0
        for mode in ("contains", "relevant"):
            asked = {**params, "mode": mode}
            if kind == "a cursor of another query":
                cat = api.get(SEARCH, params={"keyword": "猫", "mode": mode}).json()
                asked["cursor"] = cat["data"]["next_cursor"]
            for _ in range(rounds):
                started = time.perf_counter()
                answer = api.get(SEARCH, params=asked)
                slowest = max(slowest, time.perf_counter() - started)
            told = answer.json()
            total = told["data"].get("total")
            answers.append(f"200, {total} found" if answer.status_code == 200 else f"{told['code']}")
            failed += (answer.status_code, told["code"]) not in {(200, 0), (400, 40000)}
        failed += slowest > MAX_SECONDS
        print(f"| {kind} | {answers[0]} | {answers[1]} | {slowest * 1000:.0f} |", flush=True)
    print(f"\n{failed} answered as they must not be" if failed else "\nall answered as they must be")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
