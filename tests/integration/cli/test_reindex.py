"""``imagegen reindex`` with and without a server, and after a kill."""

import json
import signal
import subprocess
import sys
from contextlib import closing

from imagegen_adapters.stores.sqlite.engine import sqlite3
from tests.integration.api.asking import data, make_image, until
from tests.integration.api.live_server import clean_environ
from tests.integration.cli.outcomes import good

KILLED = """
import os, signal, sys
from imagegen_adapters.stores.sqlite import search
setattr(search, sys.argv[1], lambda *args, **more: os.kill(os.getpid(), signal.SIGKILL))
sys.argv = ["imagegen", "reindex"]
from imagegen_http.cli import main
main()
"""


def match_count(server):
    return len(json.loads(good(server.imagegen("images", "search", "猫", "--json"))))


def generations(server):
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as connection:
        return connection.execute("SELECT generation, state FROM search_generations").fetchall()


def stale(server):
    """Pretend that prompts were folded by older rules."""
    with closing(sqlite3.connect(server.data_dir / "imagegen.db")) as connection, connection:
        connection.execute("UPDATE search_generations SET folding = 'older'")


def test_without_a_server_and_again(desk):
    """Each time there is one index with the same matches."""
    stale(desk)
    before = desk.imagegen("doctor").stdout
    output = [good(desk.imagegen("reindex")) for _ in range(2)]
    after = desk.imagegen("doctor").stdout

    assert ["the search index is current\n"] * 2 == output
    assert (True, True) == ("search index: stale" in before, "search index: up to date" in after)
    assert (2, [(3, "active")]) == (match_count(desk), generations(desk))


def test_beside_a_running_server(other):
    """Searches and new images go on meanwhile."""
    with other.start().client() as api:
        make_image(api, "猫 one")
        state = data(api.get("/api/v1/search/index"))
        good(other.imagegen("reindex"))
        make_image(api, "猫 two")
        again = data(api.post("/api/v1/search/reindex"))
        total = until(lambda: data(api.get("/api/v1/images/search?keyword=猫"))["total"], lambda n: n == 2)

    assert {"state": "current", "reached": None, "until": None} == state
    assert ("current", 2) == (again["state"], total)


def test_killed_at_any_step_it_is_resumed(desk):
    """With the same index at the end, and nothing left of the others."""
    stale(desk)
    for step in ("_add", "_merge", "_activate", "_shrink"):
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, step],
            cwd=desk.folder,
            env=clean_environ(),
            check=False,
            timeout=60,
        )
        assert -signal.SIGKILL == ended.returncode
        assert 2 == match_count(desk)
    good(desk.imagegen("reindex"))
    states = [state for _, state in generations(desk)]

    assert (2, ["active"], 0) == (match_count(desk), states, desk.imagegen("doctor").returncode)
