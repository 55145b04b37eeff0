"""Ctrl-C ends a command that runs tasks without a server, and accounts for the call that it paid for."""

import json
import signal

from tests.fakes.a1111 import FakeA1111
from tests.integration.api.asking import until
from tests.integration.api.held_upstream import HELD, behind
from tests.integration.cli.outcomes import good

SLOW = ("generate", "slowly", "--param")


def begun(place):
    """Wait until a command is running its task."""
    until(lambda: place.imagegen("doctor").stdout, lambda output: "1 running" in output)


def states(place):
    return [task["status"] for task in json.loads(good(place.imagegen("tasks", "list", "--json")))]


def test_a_running_call_may_finish(other):
    """The command ends with 1, and its image is stored."""
    with FakeA1111() as upstream:
        upstream.hold.clear()
        other.configure(behind(upstream))
        terminal = other.on_terminal("generate", "slowly", "--provider", HELD)
        assert upstream.begun.wait(60)
        terminal.process.send_signal(signal.SIGINT)
        terminal.until("waiting up to 65 s")
        upstream.hold.set()

        assert (1, ["completed"]) == (terminal.end(), states(other))


def test_a_second_signal_gives_it_up(other):
    """At once and without a traceback; the demo's task, which costs nothing, is pending again."""
    terminal = other.on_terminal(*SLOW, "delay_seconds=500")
    begun(other)
    for number in (signal.SIGINT, signal.SIGTERM):
        terminal.process.send_signal(number)
        output = terminal.until("waiting up to 65 s")
    code = terminal.end()

    assert (1, False, ["pending"]) == (code, "Traceback" in output, states(other))
