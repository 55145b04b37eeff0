"""Sends a real server searches that are invalid or hostile, over a filled data directory, in both modes.

::

    python benchmarks/bad_searches.py --data-dir D [--rounds 5]

Prints the responses to each kind of bad input and the slowest one in milliseconds. Exits with 1 if a response
is neither 200 nor 400 with code 40000, or takes more than two seconds.
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
    """Print the table and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data_dir = options.data_dir.absolute()
        environ = {**os.environ, "IMAGEGEN_DATA_DIR": str(data_dir), "IMAGEGEN_SERVER__PORT": "0"}
        script = Path(sys.executable).with_name("imagegen")
        with Path(folder, "log").open("w") as log:
            server = subprocess.Popen([script, "serve"], cwd=folder, env=environ, stderr=log)
        try:
            with httpx.Client(base_url=_url(data_dir, server), timeout=30, trust_env=False) as api:
                return _ask_all(api, options.rounds)
        finally:
            server.terminate()
            server.wait(60)


def _url(data_dir: Path, server: "subprocess.Popen[bytes]") -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        announced = data_dir / "server.json"
        address = json.loads(announced.read_text() or "{}") if announced.exists() else {}
        if address.get("pid") == server.pid:
            return str(address["url"])
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def _ask_all(api: httpx.Client, rounds: int) -> int:
    failed = 0
    print("| what | contains | relevant | slowest, ms |\n|---|---|---|---|")
    for kind, params in BAD.items():
        answers, slowest = [], 0.0
        for mode in ("contains", "relevant"):
            query = {**params, "mode": mode}
            if kind == "a cursor of another query":
                cat = api.get(SEARCH, params={"keyword": "猫", "mode": mode}).json()
                query["cursor"] = cat["data"]["next_cursor"]
            for _ in range(rounds):
                started = time.perf_counter()
                response = api.get(SEARCH, params=query)
                slowest = max(slowest, time.perf_counter() - started)
            body = response.json()
            total = body["data"].get("total")
            answers.append(f"200, {total} found" if response.status_code == 200 else str(body["code"]))
            failed += (response.status_code, body["code"]) not in {(200, 0), (400, 40000)}
        failed += slowest > MAX_SECONDS
        print(f"| {kind} | {answers[0]} | {answers[1]} | {slowest * 1000:.0f} |", flush=True)
    print(f"\n{failed} unexpected responses" if failed else "\nall responses as expected")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
