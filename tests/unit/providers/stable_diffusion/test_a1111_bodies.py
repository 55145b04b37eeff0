"""Requests as WebUI bodies."""

import attrs
import pytest

from imagegen_adapters.providers import a1111 as bodies
from imagegen_adapters.providers.a1111 import Options
from imagegen_core.errors import ValidationFailed
from imagegen_core.models import Model
from imagegen_core.requests import ImageRequest, InputImage, Operation

DEFAULT = Model(id="default")
RESERVED_PARAMETERS = {"prompt": "猫", "send_images": True, "save_images": False, "force_task_id": "call-1"}


def image(width=640, height=480):
    return InputImage(key="p", mime_type="image/png", width=width, height=height, size_bytes=1, sha256="")


def body(request, model=DEFAULT, options=None, **inputs):
    return bodies.body(request, model, task="call-1", options=options or Options(), **inputs)


def generate(**params):
    return ImageRequest(operation=Operation.GENERATE, prompt="猫", params=params)


def test_every_parameter_gets_its_name_on_the_wire():
    """`num` is the batch size; undeclared parameters pass through."""
    params = {
        "negative_prompt": "blurry",
        "width": 768,
        "height": 512,
        "steps": 30,
        "cfg_scale": 7.5,
        "seed": 7,
    }
    request = generate(**params, num=3, sampler_name="Euler a", enable_hr=True, styles=["a", "b"])

    expected = {**params, **RESERVED_PARAMETERS, "batch_size": 3, "n_iter": 1}
    expected |= {"sampler_name": "Euler a", "enable_hr": True, "styles": ["a", "b"]}
    assert expected == body(request)


def test_a_named_model_is_the_checkpoint_of_this_call():
    """`default` does not change the loaded checkpoint."""
    named = body(generate(), Model(id="sd-xl"))

    assert {"sd_model_checkpoint": "sd-xl"} == named["override_settings"]
    assert "override_settings" not in body(generate())


def test_size_may_be_given_as_one_text():
    """`768x512` is width and height."""
    document = body(generate(size="768x512"))

    assert (768, 512) == (document["width"], document["height"])


def test_n_iter_makes_the_same_number_one_after_another():
    """It is for small GPUs and never changes the number of images."""
    document = body(generate(num=4, n_iter=4))

    assert (1, 4) == (document["batch_size"], document["n_iter"])


@pytest.mark.parametrize("name", [*bodies.RESERVED_PARAMETERS, "n_iter"])
def test_what_the_service_owns_is_refused_by_name(name):
    """A parameter must not read the server's files, hide the images or change their number."""
    with pytest.raises(ValidationFailed, match=f"params.{name}: "):
        body(generate(**{name: 3}))


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"override_settings": {"outdir_samples": "/etc"}}, "override_settings.outdir_samples"),
        ({"override_settings": "x"}, "override_settings"),
        ({"alwayson_scripts": {"controlnet": {}}}, "alwayson_scripts.controlnet"),
        ({"face": {"image": "x"}}, "face"),
        ({"styles": [{}]}, "styles"),
    ],
)
def test_nested_parameters_pass_only_where_they_are_known_to_be_harmless(params, named):
    """Objects can hold paths."""
    with pytest.raises(ValidationFailed, match=f"params.{named}: "):
        body(generate(**params))


def test_harmless_settings_and_allowed_scripts_pass():
    """Clip skip is sent with the checkpoint; a script needs the operator's permission."""
    params = {
        "override_settings": {"CLIP_stop_at_last_layers": 2},
        "alwayson_scripts": {"ADetailer": {"args": [1]}},
    }
    options = Options(allow_scripts=frozenset({"ADetailer"}))

    document = body(generate(**params), Model(id="xl"), options)

    assert {"CLIP_stop_at_last_layers": 2, "sd_model_checkpoint": "xl"} == document["override_settings"]
    assert {"ADetailer": {"args": [1]}} == document["alwayson_scripts"]


def test_an_edit_keeps_the_images_size():
    """The server's default, 512x512, would distort it."""
    request = ImageRequest(operation=Operation.EDIT, prompt="猫", image=image(643, 480))

    document = body(attrs.evolve(request, mask=image()), images=["p", "m"])

    assert (640, 480, ["p"], "m", 0) == (
        document["width"],
        document["height"],
        document["init_images"],
        document["mask"],
        document["inpainting_mask_invert"],
    )


def test_a_huge_image_is_repainted_smaller_and_says_so():
    """Unless the caller sets a size."""
    request = ImageRequest(operation=Operation.REFERENCE, prompt="猫", references=(image(8000, 4000),))
    explicit = request.with_params(width=4000, height=2000)

    document, document_with_size = body(request, images=["p"]), body(explicit, images=["p"])

    assert ((2048, 1024), (4000, 2000)) == tuple(
        (b["width"], b["height"]) for b in (document, document_with_size)
    )
    assert (1, 0) == (len(list(bodies.warnings(request))), len(list(bodies.warnings(explicit))))


def test_upscaling_sends_the_factor_and_the_operators_upscaler():
    """A caller may choose another one."""
    request = ImageRequest(operation=Operation.UPSCALE, image=image(), params={"upscale_factor": "x4"})
    options = Options(upscaler="4x-UltraSharp")

    document = body(request, options=options, images=["p"])
    other = body(request.with_params(upscaler_1="Lanczos"), options=options, images=["p"])

    assert {
        "resize_mode": 0,
        "upscaling_resize": 4,
        "upscaler_1": "4x-UltraSharp",
        "show_extras_results": True,
        "image": "p",
    } == document
    assert "Lanczos" == other["upscaler_1"]
