"""The limits of adapters with code of their own, once below, at and above, as those of the documents.

Each refused request is sent all the same: the strict fake refuses it and charges nothing.
"""

from collections.abc import Iterator
from contextlib import asynccontextmanager
from functools import partial

import attrs
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, Refusal
from imagegen_core.models import check_request, choose_model
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.secrets import Secret
from tests.contracts.clock import ManualClock
from tests.contracts.provider import INPUTS, MemoryExchange, input_image, request_for, run_call
from tests.fakes.gemini import KEY, FakeGemini
from tests.fakes.stability import FakeStability

pytestmark = [
    pytest.mark.anyio,
    # Google's SDK warns of a word that it does not know, and sends it.
    pytest.mark.filterwarnings("ignore:.* is not a valid:UserWarning"),
]

SEEDS = 2**31
"""Google's seeds are 32 bits with a sign; those of Imagen have none."""

IMAGEN = ("imagen-4.0-generate-001",)
SAFETY_LEVELS = ("BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE")

OF_THE_CORE = {"num", "width", "height", "edit_mode", "upscale_factor"}
"""Parameters whose bounds are the core's, whatever the provider."""

UNUSED = {
    ("imagen-4.0-generate-001", "steps"),
    ("imagen-4.0-generate-001", "mode"),
    ("stable-image-core", "strength"),
}
"""Parameters of operations that these models do not have."""


@attrs.frozen(kw_only=True)
class Limit:
    """Requests on both sides of one limit of one model; ``local_refusals`` cannot be sent."""

    kind: str
    model: str
    accepted: tuple[ImageRequest, ...] = ()
    refused: tuple[ImageRequest, ...] = ()
    local_refusals: tuple[ImageRequest, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}-{self.model}"


def each(operation: Operation, name: str, *values: object) -> tuple[ImageRequest, ...]:
    """Return a request for each value of a parameter."""
    return tuple(request_for(operation, **{name: value}) for value in values)


def generating(name: str, *values: object) -> tuple[ImageRequest, ...]:
    return each(Operation.GENERATE, name, *values)


def prompted(*lengths: int) -> tuple[ImageRequest, ...]:
    return tuple(attrs.evolve(request_for(Operation.GENERATE), prompt="猫" * length) for length in lengths)


def referring(*counts: int) -> tuple[ImageRequest, ...]:
    reference = input_image("reference", INPUTS["reference"])
    request = request_for(Operation.REFERENCE)
    return tuple(attrs.evolve(request, references=(reference,) * count) for count in counts)


def gemini_limits() -> Iterator[Limit]:
    sizes = {
        "gemini-nano-banana-2.1": ("4K", "512"),
        "gemini-3-pro-image": ("4K", "512"),
        "gemini-3.1-flash-lite-image": ("1K", "2K"),
    }
    for model, (largest, other) in sizes.items():
        yield gemini(model, generating("image_size", "1K", largest), generating("image_size", other))
        yield gemini(model, generating("seed", SEEDS - 2, SEEDS - 1), generating("seed", SEEDS))
        yield gemini(model, referring(13, 14), referring(15))
        is_pro = model == "gemini-3-pro-image"
        widest, other_ratio = ("21:9", "8:1") if is_pro else ("8:1", "9:1")
        yield gemini(model, generating("aspect_ratio", widest), generating("aspect_ratio", other_ratio))
        yield gemini(model, generating("safety", *SAFETY_LEVELS, "OFF"), generating("safety", "BLOCK_SOME"))
        # Each image is a call of its own, and no number is sent.
        yield Limit(kind="gemini", model=model, local_refusals=generating("num", 11))
    level = generating("thinking_level", "high")
    yield gemini("gemini-nano-banana-2.1", level, generating("thinking_level", "low"))


def imagen_limits() -> Iterator[Limit]:
    for model in IMAGEN:
        limit = partial(Limit, kind="imagen", model=model)
        yield limit(accepted=generating("num", 3, 4), refused=generating("num", 5))
        yield limit(accepted=generating("safety", *SAFETY_LEVELS), refused=generating("safety", "BLOCK_SOME"))
        yield limit(accepted=generating("image_size", "1K", "2K"), refused=generating("image_size", "4K"))
        persons = ("DONT_ALLOW", "ALLOW_ADULT", "ALLOW_ALL")
        yield limit(
            accepted=generating("person_generation", *persons),
            refused=generating("person_generation", "ALLOW_SOME"),
        )
        yield limit(
            accepted=generating("seed", 0, 2 * SEEDS - 2, 2 * SEEDS - 1),
            refused=generating("seed", 2 * SEEDS),
        )
        yield limit(
            accepted=generating("cfg_scale", 0, 0.1, 99.9, 100), refused=generating("cfg_scale", -0.1, 100.1)
        )
        yield limit(accepted=generating("aspect_ratio", "9:16"), refused=generating("aspect_ratio", "21:9"))


def gemini(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(kind="gemini", model=model, accepted=accepted, refused=refused)


def stability(model: str, accepted: tuple[ImageRequest, ...], refused: tuple[ImageRequest, ...]) -> Limit:
    return Limit(kind="stability", model=model, accepted=accepted, refused=refused)


def stability_limits() -> Iterator[Limit]:
    large = ("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash")
    for model in ("stable-image-core", "stable-image-ultra", *large):
        yield stability(model, prompted(9999, 10_000), prompted(10_001))
        seeds = generating("seed", 0, 4_294_967_294)
        yield stability(model, seeds, generating("seed", 4_294_967_295))
        # A ratio that Stability does not have becomes the nearest.
        ratios, others = generating("aspect_ratio", "21:9"), generating("aspect_ratio", "4:3")
        yield Limit(kind="stability", model=model, accepted=ratios, local_refusals=others)
        edits = each(Operation.EDIT, "search_prompt", "dog")
        grown = tuple(edit.with_params(grow_mask=value) for edit in edits for value in (0, 20))
        yield stability(
            model, grown, tuple(edit.with_params(grow_mask=value) for edit in edits for value in (-1, 21))
        )
        for mode in ("conservative", "creative"):
            upscaled = attrs.evolve(request_for(Operation.UPSCALE, upscale_mode=mode), prompt="猫")
            accepted = tuple(upscaled.with_params(creativity=value) for value in (0, 0.49, 0.5))
            refused = tuple(upscaled.with_params(creativity=value) for value in (-0.01, 0.51))
            yield stability(model, accepted, refused)
        for name in ("preserve_original_subject", "original_background_depth", "light_source_strength"):
            accepted = each(Operation.RECONTEXT, name, 0, 0.99, 1)
            yield stability(model, accepted, each(Operation.RECONTEXT, name, -0.01, 1.01))
        directions = each(Operation.RECONTEXT, "light_source_direction", "above", "below", "left", "right")
        yield stability(model, directions, each(Operation.RECONTEXT, "light_source_direction", "behind"))
        # The mode is the path of the call.
        modes = each(Operation.UPSCALE, "upscale_mode", "fast")
        none = each(Operation.UPSCALE, "upscale_mode", "best")
        yield Limit(kind="stability", model=model, accepted=modes, local_refusals=none)
    for model in large:
        yield stability(model, generating("cfg_scale", 1, 10), generating("cfg_scale", 0.9, 10.1))
        yield stability(model, generating("output_format", "jpeg"), generating("output_format", "webp"))
    for model in ("stable-image-core", "stable-image-ultra"):
        yield stability(model, generating("output_format", "webp"), generating("output_format", "gif"))
    for model in ("stable-image-ultra", *large):
        strengths = each(Operation.REFERENCE, "strength", 0, 1)
        yield stability(model, strengths, each(Operation.REFERENCE, "strength", -0.1, 1.1))
        # Its field is for one.
        yield Limit(kind="stability", model=model, accepted=referring(1), local_refusals=referring(2))


LIMITS = (*gemini_limits(), *imagen_limits(), *stability_limits())


@asynccontextmanager
async def bench(kind: str):
    """Yield a fake, its provider and a configuration."""
    if kind in ("gemini", "imagen"):
        async with FakeGemini() as fake:
            outbound = Outbound(allow_private=[fake.address])
            settings = config("gemini", fake.url, KEY)
            if kind == "imagen":
                models = tuple(ModelEntry(id=model) for model in IMAGEN)
                settings = attrs.evolve(settings, models=models, extra_config={"backend": "vertex"})
            try:
                yield fake, GeminiProvider(outbound, clock=ManualClock()), settings
            finally:
                await outbound.aclose()
        return
    with FakeStability() as fake:
        outbound = Outbound(allow_private=[fake.host])
        extra = {"dialect": "stability"}
        provider = StableDiffusionProvider(outbound, clock=ManualClock())
        try:
            yield fake, provider, config("stable_diffusion", fake.url, fake.key, **extra)
        finally:  # the fake waits for its connections
            await outbound.aclose()


def config(kind: str, url: str, key: str, **extra) -> ProviderConfig:
    return ProviderConfig(
        provider_name="p",
        source=ConfigSource.DATABASE,
        kind=kind,
        api_base=url,
        api_key=Secret(key),
        timeout_seconds=120,
        extra_config=extra,
    )


@pytest.mark.parametrize("limit", LIMITS, ids=str)
async def test_at_a_limit_images_are_made_and_beyond_it_nothing_is_sent(limit):
    """What is refused here is refused by the provider, too, and what is accepted is one charge."""
    async with bench(limit.kind) as (fake, provider, settings):
        model = choose_model(provider.describe(settings).models, limit.model)
        for request in limit.accepted:
            fake.ledger.clear()
            check_request(request, model)
            (part,) = provider.split(request, model, settings)
            call = ProviderCall(call_id="call-1", request=part, model=model, config=settings)

            result = await run_call(provider, call, MemoryExchange(INPUTS))

            assert result.images
            assert 1 == len(fake.ledger)
        fake.ledger.clear()
        for request in limit.local_refusals:
            with pytest.raises(Refusal):
                check_request(request, model)
        for request in limit.refused:
            with pytest.raises(Refusal):
                check_request(request, model)
            call = ProviderCall(call_id="call-1", request=request, model=model, config=settings)

            with pytest.raises(CallError) as caught:
                await run_call(provider, call, MemoryExchange(INPUTS))

            assert FailureCode.REJECTED == caught.value.failure.code
            assert [] == fake.ledger


async def test_every_shipped_model_is_tried():
    """A model that is added to the defaults gets its limits tried here."""
    shipped = set()
    for kind in ("gemini", "imagen", "stability"):
        async with bench(kind) as (_, provider, settings):
            shipped |= {(kind, model.id) for model in provider.describe(settings).models}

    assert shipped == {(limit.kind, limit.model) for limit in LIMITS}


def is_tried(parameter, limits: list[Limit]) -> bool:
    """Return whether all choices, or both bounds, have been tried, and something beyond them refused."""
    accepted, refused = (
        [request.params[parameter.name] for request in requests if parameter.name in request.params]
        for requests in (
            [request for limit in limits for request in limit.accepted],
            [request for limit in limits for request in (*limit.refused, *limit.local_refusals)],
        )
    )
    if parameter.enum:
        return any(value in parameter.enum for value in accepted) and not set(refused) <= set(parameter.enum)
    least, most = parameter.minimum, parameter.maximum
    at_least = least is None or parameter.name == "seed" or (least in accepted and min(refused) < least)
    return at_least and (most is None or (most in accepted and max(refused) > most))


@pytest.mark.parametrize("kind", ["gemini", "imagen", "stability"])
async def test_every_declared_limit_is_tried(kind):
    """A parameter that is added with choices or bounds of its own gets its limits tried here."""
    async with bench(kind) as (_, provider, settings):
        untried = [
            f"{model.id}: {parameter.name}"
            for model in provider.describe(settings).models
            for parameter in model.parameters
            if parameter.name not in OF_THE_CORE
            and (model.id, parameter.name) not in UNUSED
            and (parameter.enum or (parameter.minimum, parameter.maximum) != (None, None))
            and not is_tried(parameter, [limit for limit in LIMITS if limit.model == model.id])
        ]

    assert [] == untried
