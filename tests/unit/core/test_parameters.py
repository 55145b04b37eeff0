"""The common parameters: canonical names and ranges."""

import pytest

from imagegen_core.errors import ValidationFailed
from imagegen_core.models import canonical
from imagegen_core.requests import ImageRequest, Operation
from imagegen_core.task import Submission


@pytest.mark.parametrize("name", ["num", "n", "number_of_images"])
def test_the_three_names_of_the_count_mean_the_same(name):
    """Whichever is given, `num` is what is kept."""
    assert {"num": 3} == canonical({name: 3})


def test_nulls_are_as_if_not_said():
    """A null is no value."""
    assert {"seed": 1} == canonical({"seed": 1, "width": None, "n": None})


@pytest.mark.parametrize("name", ["api_key", "apiKey", "API-KEY", "Authorization"])
def test_a_key_is_no_parameter(name):
    """It would be stored and shown with the task."""
    with pytest.raises(ValidationFailed) as refused:
        canonical({name: "sk-0123456789abcdef"})

    assert [f"params.{name}"] == [problem.field for problem in refused.value.problems]
    assert "sk-0123456789abcdef" not in str(refused.value)


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"num": 0}, "params.num"),
        ({"num": 11}, "params.num"),
        ({"num": True}, "params.num"),
        ({"num": 2, "n": 3}, "params.n"),
        ({"width": -1}, "params.width"),
        ({"width": 10**9}, "params.width"),
        ({"width": 1.5}, "params.width"),
        ({"cfg_scale": float("nan")}, "params.cfg_scale"),
        ({"steps": "30"}, "params.steps"),
        ({"negative_prompt": "a\x00b"}, "params.negative_prompt"),
        ({"style": {"deep": ["\ud800"]}}, "params.style"),
        ({"size": "0x10"}, "params.size"),
        ({"size": "10x10", "width": 11}, "params.width"),
        ({"upscale_factor": "x3"}, "params.upscale_factor"),
        ({"edit_mode": "EDIT_MODE_MAGIC"}, "params.edit_mode"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(params, field):
    """The field that is wrong is named."""
    with pytest.raises(ValidationFailed) as error:
        canonical(params)

    assert field == error.value.problems[0].field


@pytest.mark.parametrize(
    ("text", "fine"),
    [
        ("猫", True),
        ("", False),
        ("  　", False),
        ("x" * 32_000, True),
        ("x" * 32_001, False),
        ("a\x00", False),
        ("\ud800", False),
    ],
)
def test_a_prompt_has_1_to_32000_plain_characters(text, fine):
    """Empty, too long, NUL and halves of surrogate pairs are refused."""
    submission = Submission(prompt=text)

    if fine:
        submission.check_shape()
        return
    with pytest.raises(ValidationFailed):
        submission.check_shape()


def test_calls_of_a_split_request_count_their_seeds_up():
    """So that the images differ and each can be made again."""
    request = ImageRequest(operation=Operation.GENERATE, prompt="猫", params={"num": 3, "seed": 7})

    assert [(1, 7), (1, 8), (1, 9)] == [(part.num, part.seed) for part in request.split()]


@pytest.mark.parametrize("seed", [None, -1])
def test_a_random_seed_stays_random_in_every_call(seed):
    """-1 asks for a random one, as with most providers."""
    params = {"num": 2} if seed is None else {"num": 2, "seed": seed}
    request = ImageRequest(operation=Operation.GENERATE, prompt="猫", params=params)

    assert [None, None] == [part.seed for part in request.split()]


@pytest.mark.parametrize(
    ("params", "size"),
    [
        ({"size": "1024x768"}, (1024, 768)),
        ({"size": "1024*768"}, (1024, 768)),
        ({"size": "2K"}, None),
        ({"width": 10, "height": 20}, (10, 20)),
        ({"width": 10}, None),
    ],
)
def test_dimensions_come_from_either_spelling(params, size):
    """Width and height, or a size in pixels."""
    assert size == ImageRequest(operation=Operation.GENERATE, params=params).dimensions


@pytest.mark.parametrize(("num", "largest"), [(1, 2**63 - 1), (2, 2**63 - 2), (10, 2**63 - 10)])
def test_no_image_of_several_has_a_seed_that_is_too_large(num, largest):
    """They count up from that of the request."""
    assert largest == canonical({"seed": largest, "num": num})["seed"]
    with pytest.raises(ValidationFailed) as refused:
        canonical({"seed": largest + 1, "num": num})
    assert ["params.seed"] == [problem.field for problem in refused.value.problems]
