"""Connections in the middle of a body are read a few at a time."""

import asyncio

import pytest

from imagegen_http.server.connections import MAX_PER_ITERATION, ScheduledFlowControl, Throttle

pytestmark = pytest.mark.anyio


class Line(asyncio.Transport):
    """A transport of which only the reading matters."""

    def __init__(self):
        super().__init__()
        self.reads = True

    def pause_reading(self):
        self.reads = False

    def resume_reading(self):
        self.reads = True


async def test_an_iteration_of_the_loop_reads_a_few_of_the_waiting_connections():
    """First come, first served, and none is forgotten."""
    lines, throttle = [Line() for _ in range(2 * MAX_PER_ITERATION + 1)], Throttle()
    for line in lines:
        flow = ScheduledFlowControl(line)
        flow.defer_reading()
        throttle.wait(flow.allow_reading)

    reading = []
    for _ in range(4):
        reading.append(sum(line.reads for line in lines))
        await asyncio.sleep(0)

    assert [0, MAX_PER_ITERATION, 2 * MAX_PER_ITERATION, len(lines)] == reading


async def test_a_connection_is_read_only_when_scheduled_and_not_paused_by_uvicorn():
    """Both uvicorn, whose buffer may be full, and the scheduler decide."""
    line = Line()
    flow = ScheduledFlowControl(line)

    flow.defer_reading()
    flow.pause_reading()
    flow.resume_reading()
    before_its_turn = line.reads
    flow.pause_reading()
    flow.allow_reading()
    without_room = line.reads
    flow.resume_reading()

    assert (False, False, True) == (before_its_turn, without_room, line.reads)
