"""Requests as Stability's forms."""

import io
import json

import pytest

from imagegen_adapters.providers import stability
from imagegen_adapters.providers.stability import parse_result
from imagegen_core.errors import CallError, ValidationFailed
from imagegen_core.requests import ImageRequest, InputImage, Operation

IMAGE = InputImage(key="p", mime_type="image/png", width=64, height=64, size_bytes=1, sha256="")
FILE = ("picture.png", b"p", "image/png")


def request(operation=Operation.GENERATE, prompt="cat", **params):
    inputs = {}
    if operation is Operation.REFERENCE:
        inputs = {"references": (IMAGE,)}
    elif operation is not Operation.GENERATE:
        inputs = {"image": IMAGE}
    return ImageRequest(operation=operation, prompt=prompt, params=params, **inputs)


def path_and_form(request, model="stable-image-core", mask=None):
    route = stability.route(request, model)
    image = b"p" if request.inputs else None
    form = stability.form(request, route, image=image, mask=mask)
    plain = {name: value[1] if value[0] is None else value for name, value in form.items()}
    return route.path, plain


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
                    "image": FILE,
                    "strength": "0.7",
                    "mode": "image-to-image",
                    "model": "sd3.5-medium",
                },
            ),
        ),
        (
            request(Operation.REFERENCE, strength=0.2),
            "stable-image-ultra",
            ("generate/ultra", {"prompt": "cat", "image": FILE, "strength": "0.2"}),
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
def test_each_operation_has_its_route_and_fields(image_request, model, expected):
    """The table in the module's docstring, row by row."""
    assert expected == path_and_form(image_request, model)


def test_a_mask_makes_an_edit_an_inpainting():
    """Without a mask it is search and replace."""
    image_request = ImageRequest(operation=Operation.EDIT, prompt="cat", image=IMAGE, mask=IMAGE)

    path, form = path_and_form(image_request, mask=b"m")

    assert ("edit/inpaint", ("mask.png", b"m", "image/png")) == (path, form["mask"])


@pytest.mark.parametrize(
    ("image_request", "named"),
    [
        (request(Operation.EDIT), "params.search_prompt"),
        (request(Operation.UPSCALE, prompt="", upscale_mode="conservative"), "prompt"),
        (request(Operation.REFERENCE), "model_id"),
    ],
)
def test_what_a_route_needs_is_asked_for_before_anything_is_sent(image_request, named):
    """A refusal costs nothing and names the missing parameter."""
    with pytest.raises(ValidationFailed) as caught:
        path_and_form(image_request)

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
def test_a_size_becomes_the_nearest_ratio(size, expected):
    """Stability takes no pixels; a warning says so."""
    image_request = request(width=size[0], height=size[1])

    assert expected == path_and_form(image_request)[1]["aspect_ratio"]
    assert [f"Stability takes no size: {size[0]}x{size[1]} became aspect ratio {expected}"] == [
        str(warning) for warning in stability.warnings(image_request, stability.route(image_request, "core"))
    ]


def test_a_parameter_without_effect_is_named():
    """The parameter is declared for the model but belongs to another route."""
    image_request = request(Operation.UPSCALE, upscale_factor="x4", style_preset="anime")

    (warning,) = stability.warnings(image_request, stability.route(image_request, "core"))
    assert "style_preset has no effect on upscale/fast" == str(warning)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({"image": "QQ==", "finish_reason": "CONTENT_FILTERED"}, ("content_policy", True)),
        ({"finish_reason": "SUCCESS"}, ("bad_response", True)),
        ([], ("bad_response", True)),
    ],
)
def test_an_answer_without_an_image_to_keep_is_an_error(response, expected):
    """A filtered image was generated, so it may have been charged."""
    with pytest.raises(CallError) as caught:
        parse_result(io.BytesIO(json.dumps(response).encode()), io.BytesIO)

    assert expected == (caught.value.failure.code, caught.value.failure.possible_charge)
