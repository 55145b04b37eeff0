"""A short response is held until it is stored with its attempt; a long one is spooled while it arrives."""

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_adapters.system import OneNode
from imagegen_core.attempt import MAX_INLINE_RESPONSE_BYTES, InlineResponse
from imagegen_core.errors import CallError, FailureCode, StorageError
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.running.exchange import ActiveCall, PartialImages
from imagegen_core.running.slots import ProviderSlots, RunningTask
from tests.contracts.clock import ManualClock
from tests.contracts.samples import a_task, pieces

pytestmark = pytest.mark.anyio

LONGEST = MAX_INLINE_RESPONSE_BYTES
PLENTY = 10 * LONGEST


@pytest.fixture
def adapters():
    return memory_adapters(providers={}, clock=ManualClock())


@pytest.fixture
def exchange(adapters):
    return new_exchange(adapters)


def new_exchange(adapters, response=None):
    """Return the exchange of an attempt that an earlier process left with this response, if any."""
    with ProviderSlots(default_limit=1, cluster=OneNode(), node="this").ticket("demo") as ticket:
        run = RunningTask(task=a_task(), parts=adapters, on_images=lambda images: None, ticket=ticket)
    return ActiveCall(
        parts=adapters,
        part=0,
        run=run,
        resolved=None,
        call=ProviderCall(call_id="attempt", request=None, model=None, config=None),
        partial_images=PartialImages(),
        response=response,
    )


async def has_file(adapters):
    return bool(await adapters.spool.folders(older_than_seconds=0))


def content(exchange, name="answer"):
    """Return what the provider reads, wherever it is."""
    with exchange.open_spooled(name) as file:
        return file.read()


async def broken(*parts):
    """Yield the parts, then end as a connection does that breaks."""
    for part in parts:
        yield part
    raise ConnectionError


@pytest.mark.parametrize(
    ("parts", "spooled"),
    [
        ([], False),
        ([b"{}"], False),
        ([b"x" * LONGEST], False),
        ([b"x" * (LONGEST - 1), b"", b"y"], False),
        ([b"x"] * LONGEST, False),
        ([b"x" * (LONGEST + 1)], True),
        ([b"x" * LONGEST, b"y"], True),
        ([b"x"] * (LONGEST + 1), True),
        ([b"{}", b"x" * LONGEST, b"y" * LONGEST], True),
    ],
    ids=["empty", "short", "longest", "in parts", "byte by byte", "longer", "by one", "one by one", "grows"],
)
async def test_a_response_of_at_most_64_kib_needs_no_file(adapters, exchange, parts, spooled):
    """However it is cut into chunks, all of it can be read."""
    size = await exchange.spool("answer", pieces(*parts), max_bytes=PLENTY)

    assert (spooled, not spooled) == (await has_file(adapters), exchange.response is not None)
    assert (size, b"".join(parts)) == (sum(map(len, parts)), content(exchange))


@pytest.mark.parametrize(
    ("parts", "max_bytes"),
    [([b"abc", b"de"], 4), ([b"x" * LONGEST] * 3, 2 * LONGEST), ([b"x" * (LONGEST + 2)], LONGEST + 1)],
)
async def test_a_response_that_is_too_long_is_refused(adapters, exchange, parts, max_bytes):
    """Below the limit for short ones and beyond it; what came up to the limit is kept."""
    with pytest.raises(CallError) as caught:
        await exchange.spool("answer", pieces(*parts), max_bytes=max_bytes)

    assert FailureCode.BAD_RESPONSE is caught.value.failure.code
    assert (b"".join(parts)[:max_bytes], None) == (content(exchange), exchange.response)


@pytest.mark.parametrize("parts", [[b"half"], [b"x" * (LONGEST + 1)]], ids=["short", "long"])
async def test_a_response_that_is_cut_leaves_nothing(adapters, exchange, parts):
    """The error of the connection is raised as it is."""
    with pytest.raises(ConnectionError):
        await exchange.spool("answer", broken(*parts), max_bytes=PLENTY)

    assert (False, None) == (await has_file(adapters), exchange.response)


@pytest.mark.parametrize(("first", "second"), [(b"x", b"y" * 99_999), (b"x" * 99_999, b"y"), (b"x", b"y")])
async def test_a_response_replaces_an_earlier_one_of_its_name(exchange, first, second):
    """As when a result is fetched again after the connection broke: short and long ones are not mixed up."""
    await exchange.spool("answer", pieces(first), max_bytes=PLENTY)
    await exchange.spool("answer", pieces(second), max_bytes=PLENTY)

    assert second == content(exchange)


async def test_a_second_response_is_spooled(adapters, exchange):
    """An attempt is stored with one; that of another name has a file, however short it is."""
    await exchange.spool("one", pieces(b"1"), max_bytes=9)
    await exchange.spool("two", pieces(b"2"), max_bytes=9)

    assert ("one", True) == (exchange.response.name, await has_file(adapters))
    assert (b"1", b"2") == (content(exchange, "one"), content(exchange, "two"))


async def test_a_resumed_attempt_has_the_response_it_was_stored_with(adapters):
    """A provider opens it like any other."""
    exchange = new_exchange(adapters, InlineResponse(name="answer", content=b"paid for"))

    assert b"paid for" == content(exchange)


@pytest.mark.parametrize("echo", [b'{"key": "sk-1234567890"}', b'{"key": "sk-12345'], ids=["whole", "cut"])
async def test_a_response_that_echoes_a_key_is_spooled(adapters, exchange, echo):
    """The file is removed once it is read; the database's log would hold the key for longer."""
    adapters.redactor.register("sk-1234567890")

    await exchange.spool("answer", pieces(echo), max_bytes=PLENTY)

    assert (True, None, echo) == (await has_file(adapters), exchange.response, content(exchange))


async def test_a_response_is_in_no_text(exchange):
    """It may echo a key, or a prompt."""
    await exchange.spool("answer", pieces(b"secret"), max_bytes=9)

    assert "secret" not in repr(exchange.response)


async def test_a_long_response_that_cannot_be_spooled_fails_the_call(exchange):
    """It says that the response was not kept; a short one waits for the disk with its attempt."""

    async def put(*_, **__):
        raise StorageError("no space left")

    exchange.parts.spool.put = put

    with pytest.raises(CallError) as caught:
        await exchange.spool("answer", pieces(b"x" * (LONGEST + 1)), max_bytes=PLENTY)
    await exchange.spool("answer", pieces(b"x" * LONGEST), max_bytes=PLENTY)

    assert FailureCode.STORAGE_FAILED is caught.value.failure.code
