"""Commands beside nodes that only answer requests."""

import json

import pytest

from tests.integration.api.asking import until
from tests.integration.api.held_upstream import HELD
from tests.integration.api.live_server import Terminal, clean_environ
from tests.integration.warm_processes import WarmProcess

pytestmark = pytest.mark.one_python

LACK = "no node with the role worker is alive; the task waits until there is one"


def test_who_waits_is_told_that_nobody_runs_the_task(nodes):
    """On a terminal, beside the progress, in English or in Chinese; a node that comes later runs it."""
    url = nodes.start(roles=["api"]).url
    command = ("--server", url, "generate", "灯塔")
    english = Terminal.start(*command, cwd=nodes.folder)
    chinese = Terminal.start(*command, cwd=nodes.folder, LC_ALL="zh_CN.UTF-8")
    english.until(LACK)
    chinese.until("没有存活的节点具有 worker 角色")
    nodes.start(roles=["worker"])

    assert [0, 0] == [terminal.end() for terminal in (english, chinese)]


def test_a_script_is_told_once_and_beside_its_json(nodes, tmp_path):
    """Also by a command that has the settings of a node, and is none that runs tasks."""
    place = nodes.make()
    out, err = tmp_path / "out", tmp_path / "err"
    environ = clean_environ(**place.environ)
    command = ("generate", "a lighthouse", "--json")
    process = WarmProcess.start(*command, cwd=place.folder, environ=environ, stdout=out, stderr=err)
    try:
        until(lambda: err.read_text() if err.exists() else "", lambda text: LACK in text)
        nodes.start(roles=["worker"])
        code = process.wait(60)
    finally:
        process.kill()

    assert (0, f"imagegen: {LACK}\n") == (code, err.read_text())
    assert "completed" == json.loads(out.read_text())["status"]


def test_who_waits_for_a_worker_that_there_is_is_told_nothing(nodes, tmp_path):
    """Although it takes its time; the nodes are looked at after the first poll."""
    nodes.upstream.hold.clear()
    nodes.start(roles=["worker"])
    api = nodes.start(roles=["api"])
    err = tmp_path / "err"
    command = ("--server", api.url, "generate", "a lighthouse", "--provider", HELD, "--json")
    process = WarmProcess.start(
        *command, cwd=tmp_path, environ=clean_environ(), stdout=tmp_path / "out", stderr=err
    )
    try:
        until(lambda: api.log.count('"method":"GET","path":"/api/v1/tasks/'), lambda polls: polls > 1)
        nodes.upstream.hold.set()
        code = process.wait(60)
    finally:
        process.kill()

    assert (0, "") == (code, err.read_text())
