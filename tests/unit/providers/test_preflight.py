"""What each provider refuses before anything is queued: `Provider.split`, through every kind."""

import pytest

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.comfyui import ComfyUIProvider
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.errors import ValidationFailed
from imagegen_core.models import choose_model
from imagegen_core.requests import ImageRequest, InputImage, Operation
from tests.contracts.clock import ManualClock

MB = 1024 * 1024


def spec(template, **model):
    return {
        "schema": 1,
        "id": "own",
        "operations": {
            "generate": {
                "implements": ["generate", "reference", "edit"],
                "request": {"path": "/x", "body": {"type": "json", "template": template}},
                "response": {"raw": {}},
            }
        },
        "models": [{"id": "m", "capabilities": ["generate", "reference", "edit"], **model}],
    }


MASKLESS = {"prompt": "${prompt}", "size": "${size}", "image": "${image.base64}"}
LIMITS = {
    "ref_mimes": ["image/png", "image/jpeg"],
    "ref_bytes_max": 2 * MB,
    "min_px": 100,
    "max_px": 1_000_000,
    "total_bytes_max": 3 * MB,
}
SHAPES = {"side_min": 100, "side_max": 400, "ratio": [0.5, 2.0]}
ENLARGING = {
    "schema": 1,
    "id": "own",
    "operations": {
        "upscale": {
            "request": {"path": "/x", "body": {"type": "json", "template": {"times": "${upscale_factor}"}}},
            "response": {"raw": {}},
        }
    },
    "models": [{"id": "m", "capabilities": ["upscale"]}],
}
CONFIGS = {
    "demo": ("demo", {}),
    "gemini": ("gemini", {}),
    "vertex": ("gemini", {"backend": "vertex"}),
    "a1111": ("stable_diffusion", {}),
    "stability": ("stable_diffusion", {"dialect": "stability"}),
    "openai": ("http", {"preset": "openai"}),
    "minimax": ("http", {"preset": "minimax"}),
    "dashscope": ("http", {"preset": "dashscope"}),
    "maskless": ("http", {"spec": spec(MASKLESS, limits={"n_max": 4})}),
    "limited": ("http", {"spec": spec(MASKLESS | {"mask": "${mask.base64}"}, limits=LIMITS)}),
    "shaped": ("http", {"spec": spec(MASKLESS, limits=SHAPES)}),
    "animated": ("http", {"spec": spec(MASKLESS, limits={"ref_mimes": ["image/gif", "image/avif"]})}),
    "enlarging": ("http", {"spec": ENLARGING}),
    "rounding": ("http", {"spec": spec(MASKLESS, size={"kind": "wxh", "max": 16384, "multiple_of": 64})}),
    "compatible": ("http", {"preset": "openai-compatible"}),
    "comfyui": ("comfyui", {}),
}


def an_image(size=MB, mime_type="image/png", width=512, height=512):
    return InputImage(
        key="k", mime_type=mime_type, width=width, height=height, size_bytes=size, sha256=str(size)
    )


def generate(**params):
    return ImageRequest(operation=Operation.GENERATE, prompt="猫", params=params)


def edit(*, image=None, mask=None, **params):
    return ImageRequest(
        operation=Operation.EDIT, prompt="猫", image=image or an_image(), mask=mask, params=params
    )


def reference(*images):
    return ImageRequest(operation=Operation.REFERENCE, prompt="猫", references=images)


def upscale(*, image=None, prompt="", **params):
    return ImageRequest(operation=Operation.UPSCALE, prompt=prompt, image=image or an_image(), params=params)


def split(name, request, model_id=None):
    kind, extra = CONFIGS[name]
    outbound = Outbound()
    provider = {
        "demo": lambda: DemoProvider(ManualClock()),
        "comfyui": lambda: ComfyUIProvider(outbound, clock=ManualClock()),
        "gemini": lambda: GeminiProvider(outbound, clock=ManualClock()),
        "stable_diffusion": lambda: StableDiffusionProvider(outbound, clock=ManualClock()),
        "http": lambda: HttpProvider(outbound, clock=ManualClock()),
    }[kind]()
    if name == "compatible":
        model_id = "m"
    entries = None if model_id is None else (ModelEntry(id=model_id),)
    config = ProviderConfig(
        provider_name="p", source=ConfigSource.FILE, kind=kind, extra_config=extra, models=entries
    )
    model = choose_model(provider.describe(config).models, None)
    return provider.split(request, model, config)


REFUSED = [
    ("demo", generate(size="big"), ["params.size"]),
    ("demo", generate(size="4096x64"), ["params.size"]),
    ("demo", upscale(image=an_image(width=3000), upscale_factor="x2"), ["params.upscale_factor"]),
    ("demo", upscale(image=an_image(width=3000)), ["image"]),
    ("gemini", generate(size="huge"), ["params.size"]),
    ("gemini", edit(size="3K"), ["params.size"]),
    ("gemini", reference(an_image(), an_image(20 * MB), an_image()), ["reference_images.1"]),
    ("gemini", edit(image=an_image(9 * MB), mask=an_image(12 * MB)), ["mask"]),
    ("gemini", reference(an_image(10 * MB), an_image(10 * MB + 1)), ["reference_images.1"]),
    ("vertex", generate(size="huge"), ["params.size"]),
    ("a1111", generate(size="2K"), ["params.size"]),
    ("a1111", generate(script_name="x"), ["params.script_name"]),
    (
        "a1111",
        generate(override_settings={"outdir_samples": "/"}),
        ["params.override_settings.outdir_samples"],
    ),
    ("a1111", generate(n_iter=3, num=4), ["params.n_iter"]),
    ("a1111", upscale(upscaling_resize=8), ["params.upscaling_resize"]),
    ("stability", generate(size="2K"), ["params.size"]),
    ("stability", generate(width=512), ["params.height"]),
    ("stability", edit(), ["params.search_prompt"]),
    ("stability", edit(search_prompt=""), ["params.search_prompt"]),
    ("stability", upscale(upscale_mode="creative"), ["prompt"]),
    ("stability", upscale(image=an_image(10 * MB + 1)), ["image"]),
    ("stability", edit(image=an_image(6 * MB), mask=an_image(5 * MB)), ["image"]),
    ("openai", generate(size="huge"), ["params.size"]),
    ("openai", generate(width=16, height=3000), ["params.width", "params.height"]),
    ("openai", generate(size="3840x3840"), ["params.size"]),
    ("openai", generate(height=512), ["params.width"]),
    ("openai", reference(an_image(), an_image(50_000_001)), ["reference_images.1"]),
    ("minimax", generate(size="4K"), ["params.size"]),
    ("dashscope", generate(size="big"), ["params.size"]),
    ("maskless", edit(mask=an_image()), ["mask"]),
    ("limited", reference(an_image(mime_type="image/webp"), an_image()), ["reference_images.0"]),
    ("gemini", reference(an_image(), an_image(mime_type="image/gif")), ["reference_images.1"]),
    ("openai", edit(image=an_image(mime_type="image/avif")), ["image"]),
    ("maskless", edit(image=an_image(mime_type="image/gif")), ["image"]),
    ("limited", reference(an_image(), an_image(3 * MB)), ["reference_images.1"]),
    ("limited", edit(image=an_image(width=9, height=9)), ["image"]),
    ("limited", edit(image=an_image(width=2000)), ["image"]),
    ("limited", reference(an_image(MB), an_image(2 * MB), an_image(MB)), ["reference_images.1"]),
]


@pytest.mark.parametrize(("name", "request_", "fields"), REFUSED)
def test_what_cannot_be_is_refused_by_name(name, request_, fields):
    """Nothing is queued, and the error names the field to change."""
    with pytest.raises(ValidationFailed) as caught:
        split(name, request_)

    assert fields == [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("name", "request_"),
    [
        ("demo", generate(size="auto")),
        ("gemini", generate(size="2K")),
        ("gemini", generate(width=512)),
        ("gemini", reference(an_image(10 * MB - 1), an_image(10 * MB))),
        ("gemini", edit(image=an_image(8 * MB), mask=an_image(12 * MB))),
        ("a1111", generate(size="512x768", sampler_name="Euler a")),
        ("a1111", generate(width=512)),
        ("stability", edit(search_prompt="dog")),
        ("stability", edit(mask=an_image())),
        ("stability", upscale(image=an_image(10 * MB - 1))),
        ("stability", upscale(image=an_image(10 * MB))),
        ("stability", upscale(upscale_mode="creative", prompt="猫")),
        ("openai", generate(size="auto")),
        ("openai", edit(mask=an_image())),
        ("minimax", generate(aspect_ratio="2:1")),
        ("maskless", generate(size="anything")),
        ("limited", edit(mask=an_image(MB, "image/webp", 1, 1))),
        ("animated", reference(an_image(mime_type="image/gif"), an_image(mime_type="image/avif"))),
        ("demo", edit(image=an_image(mime_type="image/avif"))),
        ("comfyui", upscale(image=an_image(mime_type="image/gif"))),
    ],
)
def test_what_can_be_is_not_refused(name, request_):
    """The rules refuse nothing that a provider accepts."""
    assert [request_.prompt] == [part.prompt for part in split(name, request_)]


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("limited", an_image(2 * MB), an_image(2 * MB + 1)),
        ("limited", an_image(width=10, height=10), an_image(width=11, height=9)),
        ("limited", an_image(width=1000, height=1000), an_image(width=1001, height=1000)),
        ("shaped", an_image(width=100, height=101), an_image(width=99, height=101)),
        ("shaped", an_image(width=399, height=400), an_image(width=399, height=401)),
        ("shaped", an_image(width=400, height=399), an_image(width=401, height=399)),
        ("shaped", an_image(width=150, height=300), an_image(width=149, height=300)),
        ("shaped", an_image(width=300, height=150), an_image(width=301, height=150)),
    ],
)
def test_each_limit_of_an_image_is_inclusive(name, inside, outside):
    """At a limit an image is taken, and one byte or pixel beyond it is refused."""
    assert split(name, edit(image=inside))
    with pytest.raises(ValidationFailed):
        split(name, edit(image=outside))


@pytest.mark.parametrize("last_bytes", [MB - 1, MB])
def test_all_images_together_fill_their_limit(last_bytes):
    """Below and at the limit of their bytes together they are taken, and one byte more is refused."""
    assert split("limited", reference(an_image(2 * MB), an_image(last_bytes)))
    with pytest.raises(ValidationFailed):
        split("limited", reference(an_image(2 * MB), an_image(MB + 1)))


UPSCALING_MODEL = "imagen-4.0-upscale-preview"


@pytest.mark.parametrize(
    ("name", "model_id", "params", "sides"),
    [
        ("a1111", None, {"upscale_factor": "x4"}, (1600, 1562)),
        ("a1111", None, {}, (3200, 3125)),
        ("vertex", UPSCALING_MODEL, {"upscale_factor": "x4"}, (1600, 1562)),
        ("enlarging", None, {"upscale_factor": "x4"}, (1600, 1562)),
        ("stability", None, {"upscale_factor": "x2"}, (1600, 1562)),
    ],
)
def test_an_upscale_that_could_not_be_stored_is_refused(name, model_id, params, sides):
    """Up to 40 megapixels it is taken; more names the factor, or the image if none was given."""
    width, height = sides
    assert split(name, upscale(image=an_image(width=width, height=height), **params), model_id)
    with pytest.raises(ValidationFailed) as caught:
        split(name, upscale(image=an_image(width=width, height=height + 1), **params), model_id)

    (problem,) = caught.value.problems
    factor = 4 if name == "stability" else int(params.get("upscale_factor", "x2")[1:])
    assert problem.field == ("params.upscale_factor" if params else "image")
    assert problem.message == (
        f"{factor} times as large is {width * factor}x{(height + 1) * factor}, "
        "but only up to 40 megapixels can be stored"
    )


@pytest.mark.parametrize(
    ("name", "model_id", "upscaled"),
    [
        ("gemini", None, upscale(image=an_image(width=4000, height=4000), upscale_factor="x4")),
        (
            "stability",
            None,
            upscale(image=an_image(width=3000, height=3000), upscale_mode="creative", prompt="x"),
        ),
    ],
)
def test_who_chooses_the_size_itself_may_upscale_any_image(name, model_id, upscaled):
    """To the next tier, or to a few megapixels."""
    assert split(name, upscaled, model_id)


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("compatible", {"size": "8000x5000"}, {"size": "8000x5001"}),
        ("compatible", {"width": 8000, "height": 5000}, {"width": 8001, "height": 5000}),
        ("rounding", {"size": "6272x6336"}, {"size": "6320x6320"}),
        ("comfyui", {"size": "8000x5000"}, {"size": "8000x8000"}),
        ("a1111", {"size": "8000x5000"}, {"size": "8000x8000"}),
        ("a1111", {"size": "4000x2500", "enable_hr": True}, {"size": "4000x2501", "enable_hr": True}),
        (
            "a1111",
            {"size": "1000x1000", "enable_hr": True, "hr_scale": 6.3},
            {"size": "1000x1000", "enable_hr": True, "hr_scale": 6.4},
        ),
        (
            "a1111",
            {"enable_hr": True, "hr_resize_x": 8000, "hr_resize_y": 5000},
            {"enable_hr": True, "hr_resize_x": 8000},
        ),
        (
            "a1111",
            {"size": "4000x4000", "hr_scale": 4},
            {"size": "4000x4000", "hr_scale": 4, "enable_hr": True},
        ),
    ],
)
def test_a_size_that_could_not_be_stored_is_refused(name, inside, outside):
    """As the provider would make it: rounded, and after a second pass."""
    assert split(name, generate(**inside))
    with pytest.raises(ValidationFailed) as caught:
        split(name, generate(**outside))

    assert "only up to 40 megapixels can be stored" in caught.value.problems[0].message
