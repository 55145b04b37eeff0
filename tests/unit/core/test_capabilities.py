"""A request is checked against the model that will serve it."""

import datetime as dt

import attrs
import pytest

from imagegen_core.errors import ModelNotAvailable, ReferenceCount, UnsupportedOperation, ValidationFailed
from imagegen_core.models import Lifecycle, Model, Parameter, check_request, choose_model, common
from imagegen_core.requests import ImageRequest, InputImage, Operation

IMAGE = InputImage(key="k/a", mime_type="image/png", width=1, height=1, size_bytes=1, sha256="0")
MODEL = Model(
    id="m",
    operations=(Operation.GENERATE, Operation.REFERENCE, Operation.EDIT),
    parameters=(*common("seed"), Parameter(name="width", type="integer", multiple_of=8, minimum=64)),
    max_references=3,
    max_num=2,
    prompt_chars=10,
)


def request(**changes):
    return attrs.evolve(ImageRequest(operation=Operation.GENERATE, prompt="猫"), **changes)


def test_what_the_model_declares_passes():
    """Nothing is raised."""
    assert None is check_request(request(params={"seed": 1, "width": 72, "num": 2}), MODEL)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"params": {"steps": 1}}, "params.steps"),
        ({"params": {"width": 65}}, "params.width"),
        ({"params": {"width": 8}}, "params.width"),
        ({"params": {"num": 3}}, "params.num"),
        ({"prompt": "字" * 11}, "prompt"),
        ({"operation": Operation.EDIT, "params": {"edit_mode": "EDIT_MODE_OUTPAINT"}}, "params.edit_mode"),
    ],
)
def test_what_it_does_not_declare_is_refused_by_name(changes, field):
    """Undeclared, out of range, too many, too long."""
    with pytest.raises(ValidationFailed) as error:
        check_request(request(**changes), MODEL)

    assert field == error.value.problems[0].field


def test_an_implied_default_need_not_be_declared():
    """The edit mode that every provider has is fine to name."""
    changes = {"operation": Operation.EDIT, "params": {"edit_mode": "EDIT_MODE_INPAINT_INSERTION"}}

    assert None is check_request(request(**changes), MODEL)


def test_extras_pass_where_the_model_takes_them():
    """A custom provider gets what it was sent."""
    model = attrs.evolve(MODEL, accepts_extras=True)

    assert None is check_request(request(params={"sampler_name": "Euler a"}), model)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"output_format": "jxl"}, "params.output_format"),
        ({"output_format": "BMP"}, "params.output_format"),
        ({"outputFormat": "image/heic"}, "params.outputFormat"),
        ({"format": "tiff"}, "params.format"),
        ({"input": {"output_format": "heic"}}, "params.input.output_format"),
        ({"outputs": [{"mime_type": "image/jxl"}]}, "params.outputs.0.mime_type"),
        ({"override_settings": {"samples_format": "bmp"}}, "params.override_settings.samples_format"),
        ({"output_format": ["png", "tiff"]}, "params.output_format.1"),
    ],
)
def test_a_file_format_that_is_not_stored_is_refused_by_name(params, field):
    """Under any of its names and at any depth, also where undeclared parameters are passed on."""
    model = attrs.evolve(MODEL, accepts_extras=True)
    with pytest.raises(ValidationFailed) as error:
        check_request(request(params=params), model)

    assert [(field, "must be one of png, jpeg, jpg, webp, gif, avif, svg")] == [
        (problem.field, problem.message) for problem in error.value.problems
    ]


@pytest.mark.parametrize(
    "params",
    [
        {"output_format": "PNG", "format": "jpg", "input": {"mime_type": "image/webp"}},
        {"output_format": "gif", "format": "AVIF", "input": {"mime_type": "image/svg+xml"}},
        {"response_format": "b64_json", "output_type": "URL", "style": "vector_illustration"},
        {"layout": "tall", "output_format": None},
    ],
)
def test_other_parameters_and_formats_pass(params):
    """What is stored may be asked for; a model's own choices may mean something else."""
    model = attrs.evolve(
        MODEL, accepts_extras=True, parameters=(Parameter(name="layout", enum=("tall", "wide")),)
    )

    assert None is check_request(request(params=params), model)


def test_choices_without_a_file_format_mean_something_else():
    """A model may call a shape its format; where its choices have files among them, they are checked."""
    shapes = Parameter(name="format", enum=("portrait", "landscape"))
    files = Parameter(name="output_format", enum=("png", "tiff"))
    model = attrs.evolve(MODEL, parameters=(shapes, files))
    with pytest.raises(ValidationFailed) as error:
        check_request(request(params={"format": "portrait", "output_format": "tiff"}), model)

    assert ["params.output_format"] == [problem.field for problem in error.value.problems]


@pytest.mark.parametrize("count", [0, 4])
def test_the_number_of_references_is_the_models(count):
    """At least one, at most what the model takes."""
    with pytest.raises(ReferenceCount) as error:
        check_request(request(operation=Operation.REFERENCE, references=(IMAGE,) * count), MODEL)

    assert {"max": 3} == error.value.data


def test_an_operation_that_the_model_cannot_do_names_those_it_can():
    """The caller sees what would work."""
    with pytest.raises(UnsupportedOperation) as error:
        check_request(request(operation=Operation.SEGMENT, image=IMAGE), MODEL)

    assert ["generate", "reference", "edit"] == error.value.data["supported"]


def test_the_default_model_is_the_one_that_says_so():
    """Else the first."""
    first, second = Model(id="a"), Model(id="b", default=True)

    assert ("b", "a", "a") == (
        choose_model((first, second), None).id,
        choose_model((first,), None).id,
        choose_model((first, second), "a").id,
    )


def test_an_unknown_model_names_the_known_ones():
    """No silent fallback."""
    with pytest.raises(ModelNotAvailable) as error:
        choose_model((Model(id="a"),), "z")

    assert {"models": ["a"]} == error.value.data


def test_a_retired_model_warns_with_its_replacement():
    """It is accepted, since only the provider knows for sure."""
    lifecycle = Lifecycle(retires=dt.date(2026, 5, 12), replaced_by="gpt-image-2")

    model = Model(id="dall-e-3", lifecycle=lifecycle)
    messages = [model.warning_on(dt.date(2026, 5, day)) for day in (11, 12)]

    assert [
        "model dall-e-3 is deprecated (2026-05-12); use gpt-image-2 instead",
        "model dall-e-3 is retired (2026-05-12); use gpt-image-2 instead",
    ] == list(map(str, messages))
