"""Requests as Stability's forms."""

import io

import multipart
import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.stability import Stability, check, warnings
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.ports.provider import ProviderCall
from imagegen_core.requests import ImageRequest, Operation
from tests.contracts.clock import ManualClock
from tests.contracts.provider import INPUTS, MemoryExchange, input_image

pytestmark = pytest.mark.anyio

IMAGE, MASK = (input_image(key, INPUTS[key]) for key in ("image", "mask"))
FILE, REFERENCE = ("image-1.png", "image/png"), ("reference-1.png", "image/png")


def request(operation=Operation.GENERATE, prompt="cat", **params):
    inputs = {}
    if operation is Operation.REFERENCE:
        inputs = {"references": (IMAGE,)}
    elif operation is not Operation.GENERATE:
        inputs = {"image": IMAGE}
    return ImageRequest(operation=operation, prompt=prompt, params=params, **inputs)


def call_of(request, model):
    provider = Stability(Outbound(), clock=ManualClock())
    config = ProviderConfig(
        provider_name="s",
        source=ConfigSource.FILE,
        api_base="https://api.example/v2beta/",
        models=(ModelEntry(id=model),),
    )
    (described,) = provider.describe(config).models
    return provider._call(ProviderCall(call_id="c", request=request, model=described, config=config))


async def path_and_form(request, model="stable-image-core"):
    check(request)
    exchange = MemoryExchange(INPUTS)
    built = await call_of(request, model).paid_request(exchange)
    body = await built.body.whole(exchange)
    _, options = multipart.parse_options_header(built.headers["content-type"])
    parts = multipart.MultipartParser(io.BytesIO(body), options["boundary"], len(body))
    path = built.url.removeprefix("https://api.example/v2beta/stable-image/")
    return path, {p.name: p.value if p.filename is None else (p.filename, p.content_type) for p in parts}


def remarks(request, model="stable-image-core"):
    return [str(warning) for warning in warnings(request, call_of(request, model))]


@pytest.mark.parametrize(
    ("image_request", "model", "expected"),
    [
        (request(seed=7), "stable-image-core", ("generate/core", {"prompt": "cat", "seed": "7"})),
        (request(seed=-1), "stable-image-ultra", ("generate/ultra", {"prompt": "cat"})),
        (
            request(cfg_scale=4),
            "sd3.5-large",
            ("generate/sd3", {"prompt": "cat", "cfg_scale": "4", "model": "sd3.5-large"}),
        ),
        (
            request(Operation.REFERENCE),
            "sd3.5-medium",
            (
                "generate/sd3",
                {
                    "prompt": "cat",
                    "image": REFERENCE,
                    "strength": "0.7",
                    "mode": "image-to-image",
                    "model": "sd3.5-medium",
                },
            ),
        ),
        (
            request(Operation.REFERENCE, strength=0.2),
            "stable-image-ultra",
            ("generate/ultra", {"prompt": "cat", "image": REFERENCE, "strength": "0.2"}),
        ),
        (
            request(Operation.EDIT, search_prompt="dog"),
            "sd3.5-large",
            ("edit/search-and-replace", {"prompt": "cat", "image": FILE, "search_prompt": "dog"}),
        ),
        (request(Operation.UPSCALE, prompt=""), "stable-image-core", ("upscale/fast", {"image": FILE})),
        (
            request(Operation.UPSCALE, upscale_mode="creative", creativity=0.2),
            "stable-image-core",
            ("upscale/creative", {"prompt": "cat", "image": FILE, "creativity": "0.2"}),
        ),
        (
            request(Operation.RECONTEXT, keep_original_background=True),
            "stable-image-core",
            (
                "edit/replace-background-and-relight",
                {"background_prompt": "cat", "subject_image": FILE, "keep_original_background": "true"},
            ),
        ),
    ],
)
async def test_each_operation_has_its_route_and_fields(image_request, model, expected):
    """Each row of the how-to's table."""
    assert expected == await path_and_form(image_request, model)


async def test_a_mask_makes_an_edit_an_inpainting():
    """Without a mask it is search and replace."""
    image_request = ImageRequest(operation=Operation.EDIT, prompt="cat", image=IMAGE, mask=MASK)

    path, form = await path_and_form(image_request)

    assert ("edit/inpaint", ("mask-1.png", "image/png")) == (path, form["mask"])


@pytest.mark.parametrize(
    ("image_request", "named"),
    [
        (request(Operation.EDIT), "params.search_prompt"),
        (request(Operation.UPSCALE, prompt="", upscale_mode="conservative"), "prompt"),
    ],
)
def test_what_a_route_needs_is_asked_for_before_anything_is_sent(image_request, named):
    """A refusal costs nothing and names the missing parameter."""
    with pytest.raises(ValidationFailed) as caught:
        check(image_request)

    assert [named] == [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1024, 1024), "1:1"),
        ((1920, 1080), "16:9"),
        ((1080, 1920), "9:16"),
        ((1024, 768), "5:4"),
        ((4000, 1000), "21:9"),
        ((1, 16384), "9:21"),
    ],
)
async def test_a_size_becomes_the_nearest_ratio(size, expected):
    """Stability takes no pixels; a warning says so."""
    image_request = request(width=size[0], height=size[1])

    assert expected == (await path_and_form(image_request))[1]["aspect_ratio"]
    sentence = f"Stability takes no size: {size[0]}x{size[1]} became aspect ratio {expected}"
    assert [sentence] == remarks(image_request)


def test_a_parameter_without_effect_is_named():
    """The parameter is declared for the model but belongs to another route."""
    image_request = request(Operation.UPSCALE, upscale_factor="x4", style_preset="anime")

    assert ["style_preset has no effect on upscale/fast"] == remarks(image_request)
