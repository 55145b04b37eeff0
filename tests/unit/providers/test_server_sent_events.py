"""Server-sent events of a body that arrives in pieces."""

from contextlib import aclosing

import pytest

from imagegen_adapters.providers.document.responses import MAX_EVENT_HEAD_BYTES, read_events

pytestmark = pytest.mark.anyio

TEXT = (
    b"\xef\xbb\xbf: hello\n\nevent: one\r\ndata: 1\r\ndata:2\n\r\n"
    b"data:  3\r\revent: none\n\nevent:two\ndata\ndata: 4\nid: 7"
)
EVENTS = [("one", b"1\n2"), ("", b" 3"), ("two", b"4")]


async def chunks(*parts):
    for part in parts:
        yield part


async def events_of(*parts):
    return [
        (event.name, event.head + b"".join([piece async for piece in event.rest]))
        async for event in read_events(chunks(*parts))
    ]


async def test_events_are_the_same_wherever_they_are_cut():
    """Comments, names without data and unknown fields make no event; lines end in CR, LF or both."""
    expected = [EVENTS] * len(TEXT)

    assert expected == [await events_of(TEXT[:at], TEXT[at:]) for at in range(len(TEXT))]
    assert EVENTS == await events_of(*(TEXT[at : at + 1] for at in range(len(TEXT))))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
async def test_an_event_is_shown_as_soon_as_it_ends(end):
    """The server may send nothing more, and keep the connection."""

    async def open_body():
        yield b"data: 1" + end + end
        pytest.fail("more of the body was read")

    async with aclosing(read_events(open_body())) as events:
        event = await anext(events)

        assert (b"1", True) == (event.head, event.is_complete)


async def test_a_long_event_is_read_in_pieces():
    """Its head is bounded; what is not read of it is skipped."""
    body = [b"event: long\ndata: ", *([b"x" * 1000] * 20), b"\n\n", b"data: next\n\n"]
    heads = [(event.name, len(event.head), event.is_complete) async for event in read_events(chunks(*body))]

    assert [("long", 5000, False), ("", 4, True)] == heads
    assert heads[0][1] < MAX_EVENT_HEAD_BYTES + 1000
    assert [("long", 20_000), ("", 4)] == [(name, len(data)) for name, data in await events_of(*body)]


@pytest.mark.parametrize(
    "text", [b"", b"\n\n\n", b": comment\n\n", b"event: x\n\n", b"data:\n\n", b"data\n\n"]
)
async def test_what_has_no_data_is_no_event(text):
    """An end of the body is none either."""
    assert [] == await events_of(text)


async def test_names_are_bounded():
    """Nothing of a line is kept but what is needed."""
    ((name, data),) = await events_of(b"event: " + b"n" * 10_000 + b"\n" + b"f" * 10_000 + b"\ndata: 1\n\n")

    assert ("n" * 128, b"1") == (name, data)
