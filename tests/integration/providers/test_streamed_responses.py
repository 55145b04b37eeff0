"""Partial images of a provider that streams: the final image is all that counts, whatever else arrives."""

import base64
import gzip
import json
import random

import attrs
import pytest

from imagegen_adapters.providers.document import results as streams
from imagegen_core.attempt import Receipt
from imagegen_core.config import ModelEntry
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.limits import MAX_PARTIAL_IMAGE_BYTES, MAX_PARTIAL_IMAGES
from imagegen_core.requests import Operation
from tests.contracts.provider import INPUTS, MemoryExchange, read, request_for, run_call
from tests.fakes.http_server import Cut, HttpServer, Reply
from tests.fakes.images import png
from tests.fakes.openai_images import FakeOpenAI
from tests.integration.providers.test_http_documents import call_of, generate, preset, provider_for, settings

pytestmark = pytest.mark.anyio

PARTIALS = [png(0), png(1)]
FINAL = png(9)
KEY = "sk-relay-0123456789abcdef"
BIG = b"\x89PNG\r\n\x1a\n" + bytes(MAX_PARTIAL_IMAGE_BYTES + 2**17)


def event(name, content, *, end="\n", named=True, typed=True, **data):
    """Return an event as OpenAI sends it; ``content`` is the bytes of an image."""
    data = {**({"type": name} if typed else {}), "b64_json": base64.b64encode(content).decode(), **data}
    lines = [*([f"event: {name}"] if named else []), f"data: {json.dumps(data)}", "", ""]
    return end.join(lines).encode()


def partial(index, content=None, **options):
    content = PARTIALS[index] if content is None else content
    return event("image_generation.partial_image", content, partial_image_index=index, **options)


def final(content=FINAL, **options):
    return event("image_generation.completed", content, usage={"total_tokens": 486}, **options)


def failed(code, message="no"):
    data = {"type": "error", "error": {"code": code, "message": message}}
    return f"event: error\ndata: {json.dumps(data)}\n\n".encode()


class Relay:
    """Answers each paid request with these chunks, however they are cut; an exception cuts the connection."""

    def __init__(self, *chunks, content_type="text/event-stream"):
        self.chunks = chunks
        self.content_type = content_type
        self.ledger = []

    def __call__(self, request):
        self.ledger.append(request.json)
        return Reply(headers={"content-type": self.content_type}, chunks=self._stream())

    async def _stream(self):
        for chunk in self.chunks:
            if isinstance(chunk, Exception):
                raise chunk
            if chunk:
                yield chunk


def relayed(server):
    """Return the configuration of a relay."""
    models = (ModelEntry(id="some-model", default=True),)
    return settings(server, {"preset": "openai-compatible"}, base="/v1", key=KEY, models=models)


async def answer_of(relay, exchange=None):
    """Return the images that a call yields, and the partial images before them."""
    exchange = exchange or MemoryExchange()
    async with HttpServer(relay) as server:
        provider = provider_for(server)
        call = call_of(provider, relayed(server), generate(partial_images=2))
        result = await run_call(provider, call, exchange)
        return [await read(image) for image in result.images], exchange.partial_images


async def failure_of(relay, exchange=None):
    """Return how a call fails."""
    with pytest.raises(CallError) as failure:
        await answer_of(relay, exchange)
    return failure.value


def pieces(text, size):
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("operation", [Operation.GENERATE, Operation.EDIT])
async def test_a_model_that_is_asked_for_partial_images_streams_them(operation):
    """They come in order and undecoded; the usage is where a plain answer has it."""
    async with HttpServer(FakeOpenAI()) as server:
        provider, exchange = provider_for(server), MemoryExchange(INPUTS)
        request = request_for(operation).with_params(partial_images=2)
        call = call_of(provider, preset(server.fake, server), request)
        result = await run_call(provider, call, exchange)
        (image,) = result.images

        assert ([], 1) == (server.complaints, len(server.fake.ledger))
        assert [0, 1] == [index for index, _ in exchange.partial_images]
        assert [png(0), png(1)] == [content for _, content in exchange.partial_images]
        assert (png(9), 486) == (await read(image), image.metadata["usage"]["total_tokens"])


async def test_nobody_streams_who_is_not_asked_to():
    """Each partial image costs: none is asked for by itself, nor with 0."""
    async with HttpServer(FakeOpenAI()) as server:
        provider, exchange = provider_for(server), MemoryExchange()
        config = preset(server.fake, server)
        for request in (generate(), generate(partial_images=0)):
            await run_call(provider, call_of(provider, config, request), exchange)

        assert [] == exchange.partial_images
        assert not any({"stream", "partial_images"} & body.keys() for body in server.fake.bodies)


async def test_several_images_with_partial_ones_are_several_calls():
    """The provider streams one image a request, and refuses several before it charges."""
    async with HttpServer(FakeOpenAI()) as server:
        provider, config = provider_for(server), preset(server.fake, server)
        call = call_of(provider, config, generate(partial_images=1, num=3))
        parts = provider.split(call.request, call.model, call.config)
        plain = provider.split(generate(num=3), call.model, call.config)
        for part in parts:
            await run_call(provider, attrs.evolve(call, request=part), MemoryExchange())

        assert ([1, 1, 1], 1) == ([body["n"] for body in server.fake.bodies], len(plain))


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_a_stream_may_be_cut_and_end_its_lines_anyhow(size, end):
    """Comments, other events and fields between them mean nothing."""
    text = b"".join(
        [
            f": a comment{end}{end}".encode(),
            partial(0, end=end),
            f"event: keepalive{end}data: {{}}{end}id: 7{end}retry: 3000{end}nonsense{end}{end}".encode(),
            partial(1, end=end),
            final(end=end),
        ]
    )
    images, partials = await answer_of(Relay(*pieces(text, size)))

    assert ([FINAL], [(0, PARTIALS[0]), (1, PARTIALS[1])]) == (images, partials)


@pytest.mark.parametrize("options", [{"named": False}, {"typed": False}])
async def test_an_event_may_be_named_in_one_place_only(options):
    """Some relays send no ``event:`` line, others no ``type``."""
    images, partials = await answer_of(Relay(partial(0, **options), final(**options)))

    assert ([FINAL], [(0, PARTIALS[0])]) == (images, partials)


def unnamed(**data):
    """Return an event without an ``event:`` line, its data in alphabetical order, as Go writes it."""
    return f"data: {json.dumps(data, sort_keys=True)}\n\n".encode()


def encoded(content):
    return base64.b64encode(content).decode()


def noise(length):
    """Return an image of some length."""
    return png(0) + random.Random(length).randbytes(length)


@pytest.mark.parametrize("length", [10, 10_000, 200_000])
@pytest.mark.parametrize("line", [b"", b"event: message\n"])
async def test_the_type_of_an_event_may_stand_behind_its_image(length, line):
    """A partial image is never taken for the final one, however long it is."""
    first = line + unnamed(
        b64_json=encoded(noise(length)), partial_image_index=0, type="image_generation.partial_image"
    )
    last = line + unnamed(b64_json=encoded(FINAL), type="image_generation.completed")
    images, partials = await answer_of(Relay(*pieces(first + last, 16_000)))

    assert ([FINAL], [(0, noise(length))]) == (images, partials)


@pytest.mark.parametrize(
    "foreign",
    [
        {"b64_json": encoded(noise(9000)), "type": "image_generation.preview"},
        {"a": {"type": "image_generation.completed"}, "b64_json": encoded(noise(9000)), "type": "other"},
        {"choices": [{"delta": {"content": "x" * 9000}}]},
        {"choices": [{"delta": {"content": "x"}}]},
        {"text": '"type": "image_generation.completed"' * 200},
        {"text": "{" * 9000},
    ],
)
async def test_an_event_of_another_kind_is_skipped(foreign):
    """Wherever its type stands, and if it has none."""
    images, partials = await answer_of(Relay(unnamed(**foreign), b"data: " + b"[" * 9000 + b"\n\n", final()))

    assert ([FINAL], []) == (images, partials)


@pytest.mark.parametrize("extra", [{}, {"note": "x" * 9000}])
async def test_an_event_without_a_type_is_the_answer_if_it_has_an_image(extra):
    """Short or long."""
    answer = {"data": [{"b64_json": encoded(FINAL)}], **extra}
    images, _ = await answer_of(Relay(b"data: [DONE]\n\n", unnamed(**answer)))

    assert [FINAL] == images


@pytest.mark.parametrize(
    ("last", "code"),
    [
        ({"data": [{"b64_json": encoded(FINAL)}]}, None),
        ({"error": {"code": "moderation_blocked", "message": "no"}}, FailureCode.CONTENT_POLICY),
    ],
)
async def test_the_answer_may_come_after_a_thousand_events_without_a_type(last, code):
    """Relays of chats tell each token, and have their image in the last event."""
    relay = Relay(unnamed(choices=[{"delta": {"content": "x"}}]) * 1000, unnamed(**last))
    if code is None:
        assert [FINAL] == (await answer_of(relay))[0]
    else:
        assert code is (await failure_of(relay)).failure.code


async def test_a_long_error_may_have_its_type_at_the_end():
    """It is read by the provider's table as any other."""
    error = {"error": {"code": "moderation_blocked"}, "padding": "x" * 9000, "type": "error"}
    failure = await failure_of(Relay(unnamed(**error)))

    assert FailureCode.CONTENT_POLICY is failure.failure.code


async def test_of_two_final_events_the_first_counts():
    """A call is for one image."""
    images, _ = await answer_of(Relay(final(), final(png(3))))

    assert [FINAL] == images


async def test_a_final_event_without_an_image_is_a_bad_response():
    """The provider says that no more comes."""
    error = await failure_of(Relay(unnamed(type="image_generation.completed"), final()))

    assert (FailureCode.BAD_RESPONSE, True) == (error.failure.code, error.failure.possible_charge)


async def test_a_long_event_without_any_name_is_the_answer():
    """Its data is what a plain answer would be."""
    data = json.dumps({"data": [{"b64_json": base64.b64encode(png(3, size=(99, 99))).decode()}]})
    padding = json.dumps({"note": "x" * 5000})
    text = f"data: {data[:-1]}, {padding[1:]}\n\ndata: [DONE]\n\n".encode()
    images, _ = await answer_of(Relay(text))

    assert [png(3, size=(99, 99))] == images


async def test_the_last_event_may_lack_its_empty_line():
    """The image is paid for."""
    images, _ = await answer_of(Relay(final().rstrip(b"\n")))

    assert [FINAL] == images


@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
async def test_a_provider_that_does_not_stream_may_answer_json(content_type):
    """Many relays ignore that a stream was asked for, and some say that it were one."""
    answer = json.dumps({"data": [{"b64_json": base64.b64encode(FINAL).decode()}]}).encode()
    images, partials = await answer_of(Relay(answer, content_type=content_type))

    assert ([FINAL], []) == (images, partials)


async def test_a_stream_may_have_another_type():
    """It is known by its looks."""
    images, partials = await answer_of(Relay(partial(0), final(), content_type="application/json"))

    assert ([FINAL], 1) == (images, len(partials))


async def test_a_stream_may_be_compressed():
    """Events are decoded as they come."""

    class Compressed(Relay):
        def __call__(self, request):
            reply = super().__call__(request)
            return attrs.evolve(reply, headers={**reply.headers, "content-encoding": "gzip"})

    images, partials = await answer_of(Compressed(gzip.compress(partial(0) + final())))

    assert ([FINAL], 1) == (images, len(partials))


@pytest.mark.parametrize(
    "bad",
    [
        b"event: image_generation.partial_image\ndata: {not json\n\n",
        b'event: image_generation.partial_image\ndata: {"b64_json": "?"}\n\n',
        b'event: image_generation.partial_image\ndata: {"b64_json": ""}\n\n',
        b'event: image_generation.partial_image\ndata: {"b64_json": 7}\n\n',
        b"event: image_generation.partial_image\ndata: []\n\n",
        b"event: image_generation.partial_image\ndata: " + b"[" * 100_000 + b"\n\n",
        b"event: image_generation.partial_image\n\n",
    ],
)
async def test_a_partial_image_that_cannot_be_decoded_is_dropped(bad):
    """The call goes on."""
    images, partials = await answer_of(Relay(bad, final()))

    assert ([FINAL], []) == (images, partials)


async def test_a_partial_image_that_is_too_large_is_skipped():
    """It is neither held nor stored, whatever its name came from."""
    exchange = MemoryExchange()
    relay = Relay(*pieces(partial(0, BIG), 2**20), *pieces(partial(1, BIG, named=False), 2**20), final())
    images, partials = await answer_of(relay, exchange)

    assert ([FINAL], []) == (images, partials)
    assert len(exchange.spooled["answer"]) < 10_000


async def test_endless_partial_images_end_with_the_call():
    """Not more of them are shown than a limit says, and the stream is not read for ever: it may have cost."""
    exchange = MemoryExchange()
    endless = (partial(0, png(1, size=(300, 300)) + random.Random(0).randbytes(3 * 2**20)) for _ in range(99))
    error = await failure_of(Relay(*endless), exchange)

    assert (FailureCode.BAD_RESPONSE, True) == (error.failure.code, error.failure.possible_charge)
    assert "longer than 134217728 bytes" in str(error.failure.reason)
    assert MAX_PARTIAL_IMAGES == len(exchange.partial_images)
    assert {} == exchange.spooled


async def test_partial_images_share_their_room_in_memory(monkeypatch):
    """Where calls have no room for what they receive of one, it is dropped, and the room is given back."""
    monkeypatch.setattr(streams, "MAX_BUFFERED_BYTES", 10)
    monkeypatch.setattr("imagegen_adapters.providers.document.provider.MAX_BUFFERED_BYTES", 10)
    images, partials = await answer_of(Relay(partial(0), final()))

    assert ([FINAL], []) == (images, partials)


@pytest.mark.parametrize("before", [[], [partial(0)], [partial(0), final()[:50]]])
async def test_a_connection_that_is_cut_leaves_the_outcome_unknown(before):
    """Exactly as one that is cut before the answer: it is never sent again, and may have cost."""
    relay = Relay(*before, Cut())
    error = await failure_of(relay)

    assert (FailureCode.OUTCOME_UNKNOWN, True) == (error.failure.code, error.failure.possible_charge)
    assert (False, 1) == (error.not_started, len(relay.ledger))


@pytest.mark.parametrize("before", [b"", partial(0), b": nothing\n\n", b"data: [DONE]\n\n"])
async def test_a_stream_without_an_image_is_a_bad_response(before):
    """It may have cost."""
    error = await failure_of(Relay(before))

    assert (FailureCode.BAD_RESPONSE, True) == (error.failure.code, error.failure.possible_charge)


@pytest.mark.parametrize(
    ("text", "code", "charge"),
    [
        (failed("moderation_blocked"), FailureCode.CONTENT_POLICY, False),
        (partial(0) + failed("moderation_blocked"), FailureCode.CONTENT_POLICY, True),
        (failed("insufficient_quota"), FailureCode.QUOTA_EXHAUSTED, False),
        (failed("rate_limit_exceeded"), FailureCode.OUTCOME_UNKNOWN, True),
        (failed("server_error"), FailureCode.OUTCOME_UNKNOWN, True),
        (partial(0) + failed("server_error"), FailureCode.OUTCOME_UNKNOWN, True),
        (b'data: {"error": {"code": "insufficient_quota"}}\n\n', FailureCode.QUOTA_EXHAUSTED, False),
        (b'data: {"type": "error", "code": "moderation_blocked"}\n\n', FailureCode.CONTENT_POLICY, False),
        (b"event: error\ndata: it broke\n\n", FailureCode.OUTCOME_UNKNOWN, True),
    ],
)
async def test_an_error_is_told_by_the_providers_table(text, code, charge):
    """After a partial image nobody knows what was charged; an unknown error proves nothing either."""
    error = await failure_of(Relay(text))

    assert (code, charge, False) == (error.failure.code, error.failure.possible_charge, error.not_started)


async def test_an_error_has_the_providers_words_but_not_its_key():
    """Providers echo what they received."""
    error = await failure_of(Relay(failed("moderation_blocked", f"refused for {KEY}")))

    assert "refused for" in str(error.failure.reason)
    assert KEY not in str(error.failure.reason)


async def test_a_spooled_stream_is_collected_again_for_free():
    """After a restart another process parses it; nothing is asked of the provider."""
    exchange = MemoryExchange()
    relay = Relay(partial(0), final())
    async with HttpServer(relay) as server:
        call = call_of(provider_for(server), relayed(server), generate(partial_images=2))
        receipt = await provider_for(server).submit(call, exchange)
        assert isinstance(receipt, Receipt)
        results = [await provider_for(server).collect(call, receipt, exchange) for _ in range(2)]
        images = [await read(result.images[0]) for result in results]

    assert ([FINAL, FINAL], 1) == (images, len(relay.ledger))


async def test_a_final_image_of_megabytes_is_never_whole_in_memory():
    """It is spooled while it arrives, as any other answer."""
    content = png(9) + random.Random(1).randbytes(12 * 2**20)
    images, _ = await answer_of(Relay(*pieces(final(content), 2**18)))

    assert [content] == images
