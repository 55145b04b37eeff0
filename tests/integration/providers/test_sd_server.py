"""The A1111 dialect against stable-diffusion.cpp's ``sd-server``, which has a part of that API."""

import pytest

from imagegen_core.config import ConfigSource, ProviderConfig
from imagegen_core.messages import Language
from imagegen_core.requests import ImageRequest, Operation
from tests.fakes.a1111 import png
from tests.fakes.sd_server import FakeSdServer
from tests.integration.providers.diffusion_bench import DiffusionBench, generate, image_input

pytestmark = pytest.mark.anyio

DATA = {"p": png((96, 64))}
PATH = "/sdapi/v1/extra-single-image"


@pytest.fixture
def server():
    with FakeSdServer() as server:
        yield server


@pytest.fixture
async def bench(anyio_backend, server):
    config = ProviderConfig(
        provider_name="sd",
        source=ConfigSource.DATABASE,
        kind="stable_diffusion",
        api_base=server.url,
        timeout_seconds=120.0,
    )
    async with DiffusionBench(server, config) as bench:
        bench.exchange.inputs.update(DATA)
        yield bench


def upscaling():
    return ImageRequest(operation=Operation.UPSCALE, image=image_input("p", DATA["p"]))


async def test_it_makes_images(server, bench):
    """Two of a prompt, with their seeds."""
    result = await bench.make(generate(num=2, seed=7))

    assert [7, 8] == [image.metadata["seed"] for image in result.images]
    assert 1 == len(server.ledger)


async def test_it_answers_a_probe(bench):
    """It lists its one checkpoint."""
    probe = await bench.provider.probe(bench.config)

    assert (True, "1 checkpoints, loaded: sd-v1-4") == (probe.ok, str(probe.detail))


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (Language.EN, f"the server has no route {PATH}: it cannot do this (sd-server"),
        (Language.ZH, f"服务器没有路由 {PATH}：它不支持这一操作（如 sd-server"),
    ],
)
async def test_what_it_has_no_route_for_is_said(bench, language, sentence):
    """It cannot upscale, and its 404 has no body."""
    error = await bench.failing(upscaling())

    assert error.failure.reason.text(language).startswith(sentence)


async def test_a_missing_route_costs_nothing_and_is_not_tried_again(server, bench):
    """The request was made once; no other outcome can be expected of it."""
    failure = (await bench.failing(upscaling())).failure

    assert ("rejected", False, False, 404) == (
        failure.code,
        failure.retryable,
        failure.possible_charge,
        failure.upstream_status,
    )
    assert [PATH] == [r.path for r in server.requests if r.method == "POST"]


async def test_what_it_says_of_a_call_is_not_taken_for_a_missing_route(bench):
    """Its own errors are JSON."""
    failure = (await bench.failing(ImageRequest(operation=Operation.GENERATE))).failure

    assert ("rejected", "prompt required") == (failure.code, failure.message)
