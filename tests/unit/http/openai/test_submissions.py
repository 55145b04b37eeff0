"""How the fields of a request become parameters of a model."""

import pytest

from imagegen_core.errors import ValidationFailed
from imagegen_core.models import Model, Parameter, common
from imagegen_core.requests import Operation
from imagegen_http.openai.requests import ImageGeneration, ImageRequest

QUALITY = Parameter(name="quality", enum=("low", "medium", "high"))


def submission(
    parameters=(),
    operations=tuple(Operation),
    *,
    images=None,
    mask=None,
    size=None,
    n=None,
    extras=False,
    **fields,
):
    generation = ImageGeneration(prompt="猫", size=size, n=n)
    image_request = ImageRequest(generation=generation, fields=fields, digest="", images=images, mask=mask)
    model = Model(id="m", parameters=parameters, operations=operations, accepts_extras=extras)
    return image_request.submission("p", model)


@pytest.mark.parametrize(
    ("names", "size", "params"),
    [
        (("size",), "64x32", {"size": "64x32"}),
        (("size", "width", "height"), "2K", {"size": "2K"}),
        (("width", "height"), "64x32", {"width": 64, "height": 32}),
        (("width", "height"), "2K", {}),
        ((), "64x32", {}),
        (("size",), "auto", {}),
        (("size",), "", {}),
    ],
)
def test_a_size_has_the_form_that_the_model_declares(names, size, params):
    """Or is left out."""
    assert params == submission(common(*names), size=size).params


@pytest.mark.parametrize(
    ("quality", "params"),
    [
        ("high", {"quality": "high"}),
        ("auto", {}),
        ("standard", {}),
        ("hd", {"quality": "high"}),
        ("odd", {"quality": "odd"}),
    ],
)
def test_values_of_older_models_are_translated(quality, params):
    """A value that is still wrong is refused by the core."""
    assert params == submission((QUALITY,), quality=quality).params


def test_only_declared_fields_become_parameters():
    """``num`` is called ``n`` here."""
    result = submission((QUALITY, *common("num", "seed")), n=2, num=9, seed=7, user="me", style="vivid")

    assert {"num": 2, "seed": 7} == result.params


def test_a_model_that_accepts_extras_gets_the_fields_that_openai_declares():
    """Those about the image, which may decide its price; not whatever else is in a body."""
    declared = {
        "quality": "low",
        "style": "vivid",
        "background": "transparent",
        "moderation": "low",
        "input_fidelity": "high",
        "output_format": "webp",
        "seed": 7,
    }
    beside = {"user": "me", "partial_images": 2, "metadata": {}, "num": 3}
    result = submission(extras=True, output_compression="80", **declared, **beside)

    assert {**declared, "output_compression": 80} == result.params


def test_auto_is_left_out_for_a_model_that_accepts_extras():
    """It may not know the value, and it is the default where it is known."""
    assert {} == submission(extras=True, quality="auto", background="auto").params


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "7", 7),
        ("integer", "x", "x"),
        ("number", "1.5", 1.5),
        ("boolean", "True", True),
        ("boolean", "false", False),
        ("boolean", "maybe", "maybe"),
        ("string", "7", "7"),
        ("integer", 7, 7),
    ],
)
def test_a_forms_text_becomes_what_the_model_declares(kind, text, value):
    """If it can be converted."""
    result = submission((Parameter(name="x", type=kind),), x=text)

    assert {"x": value} == result.params


@pytest.mark.parametrize(
    ("operations", "images", "mask", "operation"),
    [
        ((Operation.EDIT, Operation.REFERENCE), 1, None, Operation.EDIT),
        ((Operation.REFERENCE,), 1, None, Operation.REFERENCE),
        ((Operation.REFERENCE,), 1, b"m", Operation.EDIT),
        ((Operation.EDIT,), 2, None, Operation.REFERENCE),
        ((Operation.GENERATE,), 1, None, Operation.EDIT),
    ],
)
def test_images_are_edited_or_references(operations, images, mask, operation):
    """An operation that the model does not support is refused by the core."""
    contents = tuple(b"%d" % number for number in range(images))
    result = submission((), operations, images=contents, mask=mask)

    edited = operation is Operation.EDIT
    assert (operation, mask) == (result.operation, result.mask)
    assert (
        ((), contents[0]) == (result.references, result.image)
        if edited
        else (contents, None)
        == (
            result.references,
            result.image,
        )
    )


@pytest.mark.parametrize(("images", "mask"), [((), None), ((b"1", b"2"), b"m")])
def test_no_image_and_a_mask_for_several_are_refused(images, mask):
    """The request would be ambiguous."""
    with pytest.raises(ValidationFailed):
        submission(images=images, mask=mask)
