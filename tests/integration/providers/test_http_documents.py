"""Invented providers, described by a document alone; and particulars of single presets."""

import asyncio
import base64
import datetime as dt
import json
import os
import tracemalloc

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.document.expressions import DocumentCode
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.providers.document.reading import load_preset, preset_names
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.models import Model, check_request, choose_model
from imagegen_core.ports.provider import ProbeOutcome, ProviderCall
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import (
    INPUTS,
    MemoryExchange,
    image_file,
    input_image,
    read,
    request_for,
    run_call,
)
from tests.fakes import job_upstreams, simple_upstreams
from tests.fakes.dashscope import FakeDashScope
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.images import png, png_base64
from tests.fakes.modelscope import FakeModelScope
from tests.fakes.openai_images import FakeOpenAI
from tests.fakes.own_upstream import DOCUMENT as OWN
from tests.fakes.own_upstream import FakeOwn
from tests.fakes.raw_server import RawServer, http_response
from tests.fakes.simple_upstreams import FakeGateway
from tests.fakes.tokenhub import FakeTokenHub

pytestmark = pytest.mark.anyio

KEY = "odd-0123456789abcdef"

ODD_UPSTREAM = {
    "schema": 1,
    "id": "odd",
    "auth": {"type": "query", "param": "sesame"},
    "headers": {"X-Client": "imagegen ${request_uuid}"},
    "operations": {
        "paint": {
            "implements": "generate",
            "request": {
                "method": "PUT",
                "path": "/rooms/${model_vars.room}/paint",
                "query": {"fast": "${params.fast}"},
                "body": {"type": "form", "template": {"words": "${prompt}", "dice": "${seed}"}},
            },
            "task": {"id": "receipt.ticket.number"},
            "poll": {
                "request": {"method": "GET", "path": "/tickets/${task.id}"},
                "status": {"source": "state", "succeeded": "dry"},
                "progress": "percent",
            },
            "response": {"images": [{"select": "values(wall)", "url": "href", "seed": "$.dice"}]},
        }
    },
    "models": [
        {"id": "oil", "vars": {"room": "attic"}, "params": {"fast": {"type": "boolean", "default": True}}}
    ],
}


class OddUpstream:
    """Key in the query, a nested job id, relative addresses, images in a map."""

    def __init__(self):
        self.ledger = []
        self.looks = 0

    def __call__(self, request):
        if request.path.startswith("/art/"):
            assert "sesame" not in request.query
            return Reply(200, png(int(request.path[-1])), {"content-type": "image/png"})
        if request.query.get("sesame") != KEY:
            return Reply(403, b"no")
        if request.method == "PUT":
            assert request.path == "/rooms/attic/paint"
            assert request.query["fast"] == "true"
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"
            assert request.headers["x-client"] == "imagegen call-1"
            self.ledger.append(request.body.decode())
            return Reply.json({"receipt": {"ticket": {"number": 77}}}, 202)
        assert request.path == "/tickets/77"
        self.looks += 1
        if self.looks < 3:
            return Reply.json({"state": "wet", "percent": self.looks * 40})
        return Reply.json(
            {"state": "dry", "dice": 6, "wall": {"left": {"href": "/art/1"}, "right": {"href": "/art/2"}}}
        )


def settings(server, extra, *, base="", key=KEY, **changes) -> ProviderConfig:
    config = ProviderConfig(
        provider_name="p",
        source=ConfigSource.DATABASE,
        kind="http",
        api_base=f"{server.url}{base}",
        api_key=Secret.parse(key) if key else None,
        timeout_seconds=120,  # no test waits for it
        extra_config=extra,
    )
    return attrs.evolve(config, **changes)


def provider_for(server) -> HttpProvider:
    outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}"])
    return HttpProvider(outbound=outbound, clock=ManualClock())


def preset(fake, server, **changes) -> ProviderConfig:
    return settings(server, {"preset": fake.preset}, base=fake.base, key=fake.key, **changes)


def call_of(provider, config, request, model_id=None) -> ProviderCall:
    model = choose_model(provider.describe(config).models, model_id)
    check_request(request, model)
    return ProviderCall(call_id="call-1", request=request, model=model, config=config)


def generate(prompt="猫", **params) -> ImageRequest:
    return ImageRequest(operation=Operation.GENERATE, prompt=prompt, params=params)


def reading_document(response, **operation) -> dict:
    """Return a document whose response is read like this."""
    request = {"path": "/x", "body": {"type": "json", "template": {"prompt": "${prompt}"}}}
    response = {"images": [{"select": "data[]", "base64": "b64"}], **response}
    operations = {"generate": {"request": request, "response": response, **operation}}
    return {"schema": 1, "id": "x", "auth": {"type": "none"}, "operations": operations}


async def result_of(document, *answers):
    """Return what becomes of a call to whose requests a server gives these answers, in order."""
    answers = list(answers)
    async with HttpServer(lambda _: Reply.json(answers.pop(0))) as server:
        provider = provider_for(server)
        call = call_of(provider, settings(server, {"spec": document}, key=None), generate())
        result = await run_call(provider, call, MemoryExchange())
        return result, [await read(image) for image in result.images]


IMAGE = {"data": [{"b64": png_base64(1)}], "text": "x", "n": 5, "list": [["y"] * 1000] * 9}
ODD = "contains(text, n)"
BOMB = "list[]" + ".[@,@,@,@,@,@,@,@][]" * 3
IMAGES = {"select": "data[]", "base64": "b64"}


@pytest.mark.parametrize("expression", [ODD, BOMB])
@pytest.mark.parametrize(
    "response",
    [
        lambda e: {"meta": {"m": e}},
        lambda e: {"usage": {"amount": e, "currency": "USD"}},
        lambda e: {"fail_if": e},
        lambda e: {"blocked_if": e},
        lambda e: {"images": [{**IMAGES, "seed": f"$.{e}"}]},
        lambda e: {"images": [{**IMAGES, "blocked_if": f"$.{e}"}]},
        lambda e: {"images": [{**IMAGES, "zip": {"z": e}}]},
    ],
)
async def test_an_expression_that_fails_beside_the_image_costs_none(response, expression):
    """It is a warning, also where it would take too long."""
    result, images = await result_of(reading_document(response(expression)), IMAGE)

    assert ([png(1)], 1) == (images, len(result.warnings))
    assert expression in str(result.warnings[0])


async def test_a_rule_that_cannot_read_a_response_leaves_it_to_the_next():
    """As one that finds nothing does."""
    rules = [{"select": ODD, "url": "@"}, IMAGES]

    _, images = await result_of(reading_document({"images": rules}), IMAGE)

    assert [png(1)] == images


@pytest.mark.parametrize("expression", [ODD, BOMB])
@pytest.mark.parametrize(
    "response",
    [
        lambda e: {"images": [{"select": e, "url": "@"}]},
        lambda e: {"images": [{"select": "data[]", "base64": f"$.{e}"}]},
        lambda e: {"meta": {"m": e}, "images": [{"select": "data[]", "url": f"$.{e}"}]},
    ],
)
async def test_an_expression_that_finds_no_image_is_named(response, expression):
    """The task fails as it would for any other response without an image: it may have been charged."""
    with pytest.raises(CallError) as caught:
        await result_of(reading_document(response(expression)), IMAGE)

    failure = caught.value.failure
    assert (FailureCode.BAD_RESPONSE, True) == (failure.code, failure.possible_charge)
    assert expression in failure.message


POLL = {"request": {"method": "GET", "path": "/jobs"}, "status": {"source": "state", "succeeded": "done"}}


async def test_what_fails_beside_a_job_is_told_with_its_images():
    """Also across its requests."""
    document = reading_document(
        {"usage": {"amount": ODD, "currency": "USD"}},
        task={"id": "id", "cancel_url": ODD, "done_if": ODD},
        poll={**POLL, "progress": ODD, "fail_if": "contains(text, n) || `false`"},
    )
    submitted = {"id": "j1", "text": "x", "n": 5}
    waiting = {"state": "busy", "text": "x", "n": 5}

    result, images = await result_of(document, submitted, waiting, {"state": "done", "data": IMAGE["data"]})

    assert [png(1)] == images
    assert [ODD, "contains(text, n) || `false`"] == [w.args["expression"] for w in result.warnings]


async def test_a_job_is_given_up_when_its_state_cannot_be_read_three_times():
    """One answer of another shape ends nothing that is paid for."""
    poll = {**POLL, "status": {"source": ODD, "succeeded": "true"}}
    document = reading_document({}, task={"id": "id"}, poll=poll)
    odd, done = {"text": "x", "n": 5}, {**IMAGE, "n": "x"}

    _, images = await result_of(document, {"id": "j1"}, odd, odd, done)
    with pytest.raises(CallError) as caught:
        await result_of(document, {"id": "j1"}, odd, odd, odd)

    failure = caught.value.failure
    assert [png(1)] == images
    assert (FailureCode.BAD_RESPONSE, True) == (failure.code, failure.possible_charge)


BOUGHT = [
    {"vars": {"graph": {f"node{i}": {"inputs": [i]} for i in range(3000)}}},
    {"vars": {"graph": "${prompt}" * 5001}},
    {"response": {"meta": {f"m{i}": "a" for i in range(501)}}},
    {"response": {"meta": {"m": "text[::0]"}}},
    {"response": {"meta": {"m": "[" * 70 + "n" + "]" * 70}}},
    {"poll": {**POLL, "interval_s": 0, "backoff": 0}},
    {"poll": {**POLL, "status": {"source": "[state][::1] | [0]" + " | [@][0]" * 70, "succeeded": "done"}}},
    {"models": [{"id": "m", "size": {"kind": "enum", "values": ["9x9"]}}]},
]


@pytest.mark.parametrize("change", BOUGHT, ids=lambda change: str(change)[:40])
async def test_a_job_is_finished_whose_document_could_not_be_saved_or_sent_any_more(change):
    """An earlier version has paid for it: what is checked since then counts for new calls alone."""
    operation = {"poll": POLL, **{k: v for k, v in change.items() if k == "poll"}}
    document = reading_document(change.get("response", {}), task={"id": "id"}, **operation)
    document |= {name: value for name, value in change.items() if name in ("vars", "models")}
    answers = [{"state": "busy"}, {**IMAGE, "state": "done"}]
    async with HttpServer(lambda _: Reply.json(answers.pop(0))) as server:
        provider, exchange = provider_for(server), MemoryExchange()
        config = settings(server, {"spec": document}, key=None, is_sent=True)
        provider.describe(config)
        call = ProviderCall(
            call_id="call-1", request=generate(image_size="8K"), model=Model(id="m"), config=config
        )
        receipt = await provider.poll(call, UpstreamJob(id="j1"), exchange)
        result = await provider.collect(call, receipt, exchange)

        assert [png(1)] == [await read(image) for image in result.images]


async def test_a_job_without_a_readable_id_names_the_expression():
    """Nobody can ask for it."""
    document = reading_document({}, task={"id": ODD}, poll=POLL)

    with pytest.raises(CallError) as caught:
        await result_of(document, {"text": "x", "n": 5})

    assert FailureCode.BAD_RESPONSE is caught.value.failure.code
    assert ODD in caught.value.failure.message


async def test_a_request_that_a_template_makes_too_large_is_never_sent():
    """Neither is one whose job could not be asked for afterwards."""
    large = {"type": "json", "template": {"words": ["${prompt}"] * 40}}
    document = reading_document({})
    asking = reading_document({}, task={"id": "id"}, poll={**POLL, "request": {"path": "/x", "body": large}})
    document["operations"]["generate"]["request"]["body"] = large
    paths = [
        {"path": "/x/${vars.words}"},
        {"path": "/x/${task.id}/${seed}"},
        {"path": "/x", "query": {"q": "${prompt}"}},
    ]
    unreachable = [
        {
            **reading_document({}, task={"id": "id"}, poll={**POLL, "request": path}),
            "vars": {"words": "${prompt}"},
        }
        for path in paths
    ]
    async with HttpServer(lambda _: Reply.json(IMAGE)) as server:
        provider = provider_for(server)
        for spec in (document, asking, *unreachable):
            call = call_of(provider, settings(server, {"spec": spec}, key=None), generate("猫" * 32_000))
            with pytest.raises(CallError, match="nothing was sent") as caught:
                await provider.submit(call, MemoryExchange())

            failure = caught.value.failure
            assert (FailureCode.REJECTED, False) == (failure.code, failure.possible_charge)
        assert 0 == server.connections


def path_document(path) -> dict:
    """Return the document of a provider that answers a path with an image."""
    operation = {"request": {"method": "GET", "path": path}, "response": {"raw": {}}}
    return {"schema": 1, "id": "x", "auth": {"type": "none"}, "operations": {"generate": operation}}


@pytest.mark.parametrize(
    ("prompt", "segment"),
    [
        ("a cat", "a%20cat"),
        ("猫", "%E7%8C%AB"),
        ("../a/b?c=d#e%2F", "..%2Fa%2Fb%3Fc%3Dd%23e%252F"),
        ("...", "..."),
        ("a\r\nb", "a%0D%0Ab"),
        ("${model}", "%24%7Bmodel%7D"),
    ],
)
async def test_a_prompt_in_a_path_is_one_segment(prompt, segment):
    """Whatever is in it."""
    targets = []

    def answer(request):
        targets.append((request.raw_path, request.query))
        return Reply(200, png(1), {"content-type": "image/png"})

    async with HttpServer(answer) as server:
        provider = provider_for(server)
        for name in ("prompt", "vars.words"):
            document = {**path_document(f"/image/${{{name}}}?n=${{n}}"), "vars": {"words": "${prompt}"}}
            call = call_of(provider, settings(server, {"spec": document}, key=None), generate(prompt))
            (image,) = (await run_call(provider, call, MemoryExchange())).images

            assert png(1) == await read(image)
    assert [(f"/image/{segment}", {"n": "1"})] * 2 == targets


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("/image/${prompt}", generate("..")),
        ("/image/${prompt}", generate(".")),
        ("/image/${prompt}", generate("猫" * 2000)),
        ("/image/${prompt}", generate("a" * 20_000)),
        ("/image/${prompt}/${negative_prompt}", generate("a", negative_prompt="..")),
        ("/image/${prompt}/${negative_prompt}", generate("a")),
    ],
)
async def test_a_prompt_that_fits_no_path_is_not_sent(path, request_):
    """It leads elsewhere, or is too long, or is missing: the task fails without a charge."""
    async with HttpServer(lambda _: Reply(200)) as server:
        provider = provider_for(server)
        call = call_of(provider, settings(server, {"spec": path_document(path)}, key=None), request_)
        with pytest.raises(CallError, match="nothing was sent") as caught:
            await provider.submit(call, MemoryExchange())

        assert 0 == server.connections
    failure = caught.value.failure
    assert (FailureCode.REJECTED, False) == (failure.code, failure.possible_charge)


async def test_an_odd_upstream_needs_a_document_only():
    """Unusual authentication, a nested job id, relative URLs and images in a map need no code."""
    async with HttpServer(OddUpstream()) as server:
        provider, exchange = provider_for(server), MemoryExchange()
        call = call_of(provider, settings(server, {"spec": ODD_UPSTREAM}), generate("a cat & a dog", seed=3))

        result = await run_call(provider, call, exchange)

        assert [png(1), png(2)] == [await read(p) for p in result.images]
        assert {"seed": 6} == dict(result.images[0].metadata)
        assert [0.4, 0.8] == exchange.progress_reports
        assert ["words=a+cat+%26+a+dog&dice=3"] == server.fake.ledger
        assert [] == server.complaints


async def test_a_paid_request_has_a_connection_of_its_own_whatever_its_method():
    """An idle connection may be broken already, and this GET generates images."""
    images = {"select": "pictures[]", "base64": "@"}
    operation = {"request": {"method": "GET", "path": "/make"}, "response": {"images": [images]}}
    document = {"schema": 1, "id": "get", "auth": {"type": "none"}, "operations": {"generate": operation}}
    body = json.dumps({"pictures": [png_base64(1)]}).encode()
    async with RawServer({"/make": http_response(body=body, Content_Type="application/json")}) as server:
        provider = provider_for(server)
        config = settings(server, {"spec": document}, key=None, models=(ModelEntry(id="m"),))
        for _ in range(3):
            await run_call(provider, call_of(provider, config, generate()), MemoryExchange())

        assert (3, 3) == (len(server.heads), server.opened)


async def test_a_document_draws_a_seed_for_an_upstream_that_draws_none():
    """The same for the same call; the image tells it, unless the caller has given one."""
    template = {"prompt": "${prompt}", "seed": {"$default": ["${seed}", "${random_seed}"]}}
    request = {"path": "/make", "body": {"type": "json", "template": template}}
    operation = {"request": request, "response": {"images": [{"select": "made[]", "base64": "@"}]}}
    document = {"schema": 1, "id": "seeds", "auth": {"type": "none"}, "operations": {"generate": operation}}
    async with HttpServer(lambda _: Reply.json({"made": [png_base64(1)]})) as server:
        provider = provider_for(server)
        config = settings(server, {"spec": document}, key=None, models=(ModelEntry(id="m"),))
        requests = [generate(), generate(seed=-1), generate(seed=7)]
        results = [
            await run_call(provider, call_of(provider, config, request), MemoryExchange())
            for request in requests
        ]

        seeds = [request.json["seed"] for request in server.requests]
        assert seeds == [seeds[0], seeds[0], 7]
        assert [seeds[0], seeds[0], None] == [r.images[0].metadata.get("seed") for r in results]


async def test_undeclared_parameters_of_a_document_go_to_the_body():
    """A document passes undeclared parameters on by default, and checks the declared ones."""
    async with HttpServer(FakeGateway()) as server:
        config = preset(server.fake, server, models=(ModelEntry(id="m"),))
        provider = provider_for(server)
        call = call_of(
            provider, config, generate(steps=30, cfg_scale=7.5, style="ink", width=512, height=768)
        )

        await run_call(provider, call, MemoryExchange())

        assert [
            {
                "model": "m",
                "prompt": "猫",
                "n": 1,
                "size": "512x768",
                "steps": 30,
                "cfg_scale": 7.5,
                "style": "ink",
            }
        ] == server.fake.bodies


async def test_a_shipped_preset_refuses_what_nobody_declared():
    """OpenAI refuses unknown fields only after accepting the call, so we refuse them before."""
    async with HttpServer(FakeOpenAI()) as server:
        provider = provider_for(server)

        with pytest.raises(ValidationFailed) as caught:
            call_of(provider, preset(server.fake, server), generate(cfg_scale=7.0))

        assert ["params.cfg_scale"] == [p.field for p in caught.value.problems]


async def test_operators_headers_go_along():
    """``extra_config.headers`` are sent with each API call."""
    async with HttpServer(FakeOpenAI()) as server:
        config = preset(server.fake, server)
        config = attrs.evolve(config, extra_config={**config.extra_config, "headers": {"X-Team": "a"}})

        await run_call(
            provider := provider_for(server), call_of(provider, config, generate()), MemoryExchange()
        )

        assert ["a"] == [r.headers.get("x-team") for r in server.requests]


async def test_no_model_no_image_but_a_warning_for_a_retired_one():
    """A saved dall-e-3 still works at a gateway, with a warning that it is retired."""
    async with HttpServer(FakeOpenAI()) as server:
        config = preset(server.fake, server, models=(ModelEntry(id="dall-e-3"),))

        (model,) = provider_for(server).describe(config).models

        assert "model dall-e-3 is retired (2026-05-12); use gpt-image-2 instead" == str(
            model.warning_on(dt.date(2026, 11, 26))
        )


@pytest.mark.parametrize("fake", [FakeOpenAI, simple_upstreams.FakeArk, FakeDashScope])
async def test_many_references_go_along(fake):
    """Several references are sent in order."""
    data = {f"r{i}": image_file("teal", size=(8 + i, 8)) for i in range(3)}
    references = tuple(input_image(key, image) for key, image in data.items())
    request = ImageRequest(operation=Operation.REFERENCE, prompt="x", references=references)
    async with HttpServer(fake()) as server:
        provider = provider_for(server)
        model = "qwen-image-3.0" if fake is FakeDashScope else None

        await run_call(
            provider, call_of(provider, preset(server.fake, server), request, model), MemoryExchange(data)
        )

        body = server.requests[0].body
        assert [] == server.complaints
        encoded = [d if fake is FakeOpenAI else base64.b64encode(d) for d in data.values()]
        places = [body.find(text) for text in encoded]
        assert sorted(places) == places
        assert -1 not in places


USUAL_INPUTS = {name: png(1, (256, 256)) for name in INPUTS}
"""The caller's images, of a size that no provider finds too small."""


def of_usual_size(request):
    """Return the request with these images."""

    def usual(image):
        return None if image is None else input_image(image.key, USUAL_INPUTS[image.key])

    return attrs.evolve(
        request,
        references=tuple(map(usual, request.references)),
        image=usual(request.image),
        mask=usual(request.mask),
    )


async def test_every_model_of_every_preset_does_what_it_says():
    """Each operation of each shipped model makes a request that the strict fake accepts."""
    for fake in (
        FakeDashScope,
        simple_upstreams.FakeRecraft,
        simple_upstreams.FakeSiliconFlow,
        job_upstreams.FakeBfl,
        job_upstreams.FakeZhipu,
        simple_upstreams.FakeQianfan,
        FakeTokenHub,
        FakeModelScope,
    ):
        async with HttpServer(fake()) as server:
            provider, config = provider_for(server), preset(server.fake, server)
            for model in provider.describe(config).models:
                for operation in model.operations:
                    request = of_usual_size(request_for(operation))
                    call = call_of(provider, config, request, model.id)
                    result = await run_call(provider, call, MemoryExchange(USUAL_INPUTS))
                    assert result.images, (model.id, operation)
            assert [] == server.complaints


async def test_a_mask_that_a_model_cannot_take_goes_along():
    """A model without masks gets the mask as another image, with a warning."""
    async with HttpServer(simple_upstreams.FakeArk()) as server:
        provider = provider_for(server)
        call = call_of(provider, preset(server.fake, server), request_for(Operation.EDIT))

        result = await run_call(provider, call, MemoryExchange(INPUTS))

        assert 2 == len(server.fake.bodies[0]["image"])
        assert [DocumentCode.DOCUMENT_MASK_BESIDE()] == list(result.warnings)


async def test_a_job_may_lose_one_image():
    """An image that the provider held back is a failure beside the others."""
    async with HttpServer(FakeDashScope()) as server:
        provider = provider_for(server)
        call = call_of(provider, preset(server.fake, server), generate("partly", num=3), "wan2.5-t2i-preview")

        result = await run_call(provider, call, MemoryExchange())

        assert 2 == len(result.images)
        assert [FailureCode.CONTENT_POLICY] == [e.failure.code for e in result.failures]
        assert {"usage": {"image_count": 1}, "revised_prompt": "better"} == dict(result.images[0].metadata)


async def test_a_held_back_item_alone_is_a_refusal():
    """A 200 whose only item is an error is classified by that item."""
    async with HttpServer(simple_upstreams.FakeArk()) as server:
        provider = provider_for(server)

        with pytest.raises(CallError) as caught:
            await run_call(
                provider, call_of(provider, preset(server.fake, server), generate("partly")), MemoryExchange()
            )

        assert FailureCode.CONTENT_POLICY == caught.value.failure.code


async def test_a_429_that_waiting_does_not_help_is_no_rate_limit():
    """Codes count before statuses: an overdue account with status 429 is not a rate limit."""
    async with HttpServer(job_upstreams.FakeZhipu()) as server:
        provider = provider_for(server)

        with pytest.raises(CallError) as caught:
            await provider.submit(
                call_of(provider, preset(server.fake, server), generate("arrears")), MemoryExchange()
            )

        assert (FailureCode.QUOTA_EXHAUSTED, False) == (caught.value.failure.code, caught.value.not_started)
        assert "1113" == caught.value.failure.upstream_code


async def test_a_used_up_package_is_no_wrong_key():
    """Its 402 says so, in whatever words."""
    async with HttpServer(FakeTokenHub()) as server:
        server.break_next(server.fake.answer("used_up"))

        with pytest.raises(CallError) as caught:
            await run_call(
                provider := provider_for(server),
                call_of(provider, preset(server.fake, server), generate()),
                MemoryExchange(),
            )

        assert FailureCode.QUOTA_EXHAUSTED == caught.value.failure.code


async def test_a_refusal_with_status_200_is_a_refusal():
    """Of the model that answers as a conversation."""
    async with HttpServer(FakeTokenHub()) as server:
        provider = provider_for(server)
        call = call_of(provider, preset(server.fake, server), generate("broken"), "hy-image-v3.5-preview")

        with pytest.raises(CallError) as caught:
            await run_call(provider, call, MemoryExchange())

        assert FailureCode.CONTENT_POLICY == caught.value.failure.code


async def test_a_submit_may_be_done_at_once():
    """A job whose submit response contains the result is never polled."""
    async with HttpServer(job_upstreams.FakeReplicate()) as server:
        provider, exchange = provider_for(server), MemoryExchange()
        call = call_of(provider, preset(server.fake, server), generate("at once"))

        receipt = await provider.submit(call, exchange)

        assert isinstance(receipt, Receipt)
        assert 1 == len((await provider.collect(call, receipt, exchange)).images)


async def test_a_job_is_cancelled_at_the_upstream():
    """Cancelling uses the URL from the submit's response."""
    async with HttpServer(job_upstreams.FakeFal()) as server:
        provider = provider_for(server)
        call = call_of(provider, preset(server.fake, server), generate())
        job = await provider.submit(call, MemoryExchange())

        await provider.cancel(call, job)

        assert ["job-1"] == server.fake.cancelled


@pytest.mark.parametrize(
    "elsewhere", ["http://127.0.0.1:{other}/x", "https://evil.example/x", "http://api.bfl.ai/x"]
)
async def test_the_key_goes_to_its_own_origin_only(elsewhere):
    """A poll URL on another origin is refused, and nothing is sent to it."""
    async with HttpServer(job_upstreams.FakeBfl()) as server, HttpServer(lambda _: Reply()) as other:
        outbound = Outbound(allow_private=[f"127.0.0.1:{server.port}", f"127.0.0.1:{other.port}"])
        provider = HttpProvider(outbound=outbound, clock=ManualClock())
        call = call_of(provider, preset(server.fake, server), generate())
        job = UpstreamJob(id="1", data={"task": {"id": "1", "poll_url": elsewhere.format(other=other.port)}})

        with pytest.raises(CallError) as caught:
            await provider.poll(call, job, MemoryExchange())

        assert FailureCode.BAD_RESPONSE == caught.value.failure.code
        assert [] == other.requests


async def test_large_answers_stay_on_disk():
    """Eight responses of 12 MB at once are read with a few MB of memory, and decoded completely."""
    image = os.urandom(9_000_000)
    response_body = json.dumps({"data": [{"b64_json": base64.b64encode(image).decode()}]}).encode()
    async with HttpServer(
        lambda _: Reply(200, response_body, {"content-type": "application/json"})
    ) as server:
        provider = provider_for(server)
        call = call_of(provider, preset(FakeOpenAI(), server), generate())
        exchange = MemoryExchange()
        receipt = await provider.submit(call, exchange)

        async def digest() -> bool:
            (generated,) = (await provider.collect(call, receipt, exchange)).images
            place = 0
            async for chunk in generated.chunks():
                assert image[place : place + len(chunk)] == chunk
                place += len(chunk)
            return place == len(image)

        tracemalloc.start()
        whole = await asyncio.gather(*(digest() for _ in range(8)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

        assert [True] * 8 == whole
        assert peak < 150_000_000  # the exchange holds a copy of each response; 2 MB each are ours


async def test_uploads_are_read_when_they_are_sent():
    """The length of a body with images is declared, and the body has exactly that length."""
    data = {"image": image_file(size=(400, 300))}
    request = ImageRequest(operation=Operation.EDIT, prompt="x", image=input_image("image", data["image"]))
    async with HttpServer(FakeOpenAI()) as server:
        provider = provider_for(server)

        await run_call(
            provider, call_of(provider, preset(server.fake, server), request), MemoryExchange(data)
        )

        (received,) = server.requests
        assert str(len(received.body)) == received.headers["content-length"]
        assert data["image"] == next(p.data for p in received.parts if p.name == "image[]")


async def test_an_image_may_be_the_whole_body():
    """A response with an image type is an image, whether or not the document expects one."""
    async with HttpServer(lambda _: Reply(200, png(3), {"content-type": "image/png"})) as server:
        provider = provider_for(server)

        result = await run_call(
            provider, call_of(provider, preset(FakeOpenAI(), server), generate()), MemoryExchange()
        )

        assert [png(3)] == [await read(p) for p in result.images]


async def test_a_kept_response_has_each_header_that_is_read_later():
    """Whatever expression reads it; no other header is kept."""
    rule = {"select": "data[]", "base64": "b64", "blocked_if": "header:x-blocked"}
    answer = Reply.json({"data": [{"b64": png_base64()}]}, x_blocked="yes", x_other="secret")
    async with HttpServer(lambda _: answer) as server:
        provider = provider_for(server)
        config = settings(
            server, {"spec": reading_document({"images": [rule]})}, models=(ModelEntry(id="m"),)
        )
        call, exchange = call_of(provider, config, generate()), MemoryExchange()
        receipt = await provider.submit(call, exchange)

        assert {"x-blocked": "yes"} == receipt.data["headers"]
        with pytest.raises(CallError) as caught:
            await provider.collect(call, receipt, exchange)
        assert FailureCode.CONTENT_POLICY == caught.value.failure.code


async def test_broken_base64_is_a_bad_response():
    """Text that is not base64 fails the image, not the process."""
    async with HttpServer(lambda _: Reply.json({"data": [{"b64_json": "%%%" + png_base64()}]})) as server:
        provider = provider_for(server)
        result = await run_call(
            provider, call_of(provider, preset(FakeOpenAI(), server), generate()), MemoryExchange()
        )

        with pytest.raises(CallError) as caught:
            await read(result.images[0])

        assert FailureCode.BAD_RESPONSE == caught.value.failure.code


async def test_probing_tells_a_wrong_key():
    """The probe distinguishes a valid key from an invalid one, without repeating it."""
    async with HttpServer(FakeOpenAI()) as server:
        provider = provider_for(server)
        config = preset(server.fake, server)

        good = await provider.probe(config)
        bad = await provider.probe(attrs.evolve(config, api_key=Secret.parse("sk-wrong-0123456789")))

        assert (True, False) == (good.ok, bad.ok)
        assert str(bad.detail).startswith("401: Incorrect API key")


@pytest.mark.parametrize(
    ("expression", "probed"),
    [
        ("object", (True, "list credits left")),
        ("balance", (False, "the response names no balance")),
    ],
)
async def test_a_probe_tells_what_is_left(expression, probed):
    """Where the document says that the answer has it."""
    operation = {"request": {"path": "/images"}, "response": {"images": [{"select": "data[]", "url": "url"}]}}
    health = {"request": {"method": "GET", "path": "/models"}, "credits": expression}
    document = {"schema": 1, "id": "rich", "operations": {"generate": operation}, "health": health}
    async with HttpServer(FakeOpenAI()) as server:
        config = settings(server, {"spec": document}, base="/v1", key=server.fake.key)
        probe = await provider_for(server).probe(config)

        assert probed == (probe.ok, str(probe.detail))


async def test_a_body_of_more_bytes_than_the_provider_takes_is_not_sent():
    """The document says how many."""
    body = {"type": "json", "template": {"prompt": "${prompt}"}, "max_bytes": 100}
    operation = {
        "request": {"path": "/images", "body": body},
        "response": {"images": [{"select": "data[]", "url": "url"}]},
    }
    document = {"schema": 1, "id": "small", "operations": {"generate": operation}}
    async with HttpServer(FakeOpenAI()) as server:
        provider = provider_for(server)
        config = settings(server, {"spec": document}, models=(ModelEntry(id="m"),))
        with pytest.raises(CallError) as caught:
            await run_call(provider, call_of(provider, config, generate("x" * 100)), MemoryExchange())

        failure = caught.value.failure
        assert (FailureCode.REJECTED, False, []) == (failure.code, failure.possible_charge, server.requests)


@pytest.mark.parametrize(
    "fake",
    [FakeDashScope, simple_upstreams.FakeSiliconFlow],
    ids=lambda fake: fake.preset,
)
async def test_an_upstream_with_any_free_call_tells_a_wrong_key(fake):
    """It costs nothing; the document names such a call."""
    async with HttpServer(fake()) as server:
        provider = provider_for(server)
        config = preset(server.fake, server)
        wrong = Secret.parse("AKIDwrong0123456:wrong-0123456789")

        good = await provider.probe(config)
        bad = await provider.probe(attrs.evolve(config, api_key=wrong))

        assert [ProbeOutcome.OK, ProbeOutcome.FAILED] == [good.outcome, bad.outcome]
        assert [] == server.fake.ledger


@pytest.mark.parametrize("name", preset_names())
async def test_a_preset_without_a_free_call_is_not_verified(name):
    """It sends nothing, and reports that."""
    provider = HttpProvider(Outbound(allow_private=[]), clock=ManualClock())
    if load_preset(name).health is not None:
        return
    config = ProviderConfig(
        provider_name=name, source=ConfigSource.FILE, kind="http", extra_config={"preset": name}
    )

    assert ProbeOutcome.NOT_VERIFIED == (await provider.probe(config)).outcome


@pytest.mark.parametrize("path", ["$vars.place", "${vars.place}", "${prompt}", "/make\u0001"])
async def test_an_address_that_cannot_be_used_costs_nothing(path):
    """One starting with another host, one of 100,000 characters, one with control characters."""
    request = {"method": "GET", "path": path}
    if "prompt" in path:
        request = {"method": "GET", "path": "/make", "query": {"words": "${prompt}"}}
    operation = {"request": request, "response": {"images": [{"select": "pictures[]", "base64": "@"}]}}
    document = {
        "schema": 1,
        "id": "odd",
        "vars": {"place": "@127.0.0.1:9/make"},
        "operations": {"generate": operation},
        "health": {"request": {"method": "GET", "path": path if "prompt" not in path else "/make\u0001"}},
    }
    async with HttpServer(FakeOpenAI()) as server:
        provider = provider_for(server)
        config = settings(server, {"spec": document}, models=(ModelEntry(id="m"),))
        with pytest.raises(CallError) as caught:
            await run_call(provider, call_of(provider, config, generate("猫" * 12_000)), MemoryExchange())
        probe = await provider.probe(config)

        failure = caught.value.failure
        assert (FailureCode.REJECTED, False) == (failure.code, failure.possible_charge)
        assert (False, []) == (probe.ok, server.requests)


async def test_a_dry_run_shows_what_is_sent():
    """Nothing reaches the provider, and then exactly what was shown; the key is in neither of them."""
    async with HttpServer(FakeOwn()) as server:
        provider = provider_for(server)
        config = settings(server, {"spec": OWN}, key=FakeOwn.key)
        call = call_of(provider, config, generate("猫", num=2, size="512x512"))
        [shown], _ = await provider.dry_run(call)
        before = len(server.requests)
        await run_call(provider, call, MemoryExchange())
    [received] = server.requests
    secret = {"x-own-key"}

    assert 0 == before
    assert (shown["method"], shown["url"]) == (received.method, f"{server.url}{received.path}")
    assert json.loads(shown["body"]) == received.json
    assert {n: v for n, v in shown["headers"].items() if n not in secret} == {
        n: v for n, v in received.headers.items() if n not in {*secret, "connection"}
    }
    assert "****" == shown["headers"]["x-own-key"]
