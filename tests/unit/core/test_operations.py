"""The table of operations, from which routes, limits, documents and checks are made."""

from contextlib import nullcontext

import pytest

import imagegen_core
from imagegen_core import ValidationFailed
from imagegen_core.models import COMMON
from imagegen_core.requests import OPERATIONS, Operation
from imagegen_core.task import Submission

EVERY = pytest.mark.parametrize("operation", Operation)


def test_every_operation_has_its_row():
    """In the order of the members, which is that of lists and tables."""
    assert list(Operation) == list(OPERATIONS)


def test_every_operation_has_a_path_of_its_own():
    """The guard and the router go by it."""
    assert len(Operation) == len({rules.path for rules in OPERATIONS.values()})


@EVERY
def test_what_stands_beside_the_parameters_is_a_common_one(operation):
    """It means the same in both places, for every provider."""
    assert set(operation.rules.body_parameters) <= {parameter.name for parameter in COMMON}


@EVERY
def test_an_own_parameter_belongs_to_one_operation(operation):
    """Elsewhere it is a parameter like any other."""
    own = operation.rules.own
    others = [other.rules for other in Operation if other is not operation]

    assert own is None or not any(own.name in rules.body_parameters for rules in others)


@EVERY
@pytest.mark.parametrize(
    ("more", "field", "takes"),
    [
        ({"references": (b"x",)}, "reference_images.0", lambda rules: rules.max_references > 0),
        ({"image": b"x"}, "image", lambda rules: rules.takes_image),
        ({"mask": b"x"}, "mask", lambda rules: rules.takes_mask),
    ],
    ids=["references", "image", "mask"],
)
def test_an_image_that_the_operation_does_not_take_is_refused(operation, more, field, takes):
    """It would be paid for without it."""
    image = b"x" if operation.rules.takes_image else None
    submission = Submission(**{"operation": operation, "prompt": "a cat", "image": image, **more})

    with nullcontext() if takes(operation.rules) else pytest.raises(ValidationFailed) as refused:
        submission.check_shape()

    assert refused is None or [field] == [problem.field for problem in refused.value.problems]


def test_the_package_has_what_it_names():
    """Each name is loaded when it is first used."""
    assert set(imagegen_core.__all__) == {
        name for name in imagegen_core.__all__ if hasattr(imagegen_core, name)
    }
    assert not hasattr(imagegen_core, "Painting")


def test_the_package_has_what_the_facade_takes():
    """Whoever makes a task again, or cancels many, imports from one place."""
    assert {"ImageGen", "Submission", "TaskChanges", "TaskFilter", "TaskStatus"} <= set(imagegen_core.__all__)
