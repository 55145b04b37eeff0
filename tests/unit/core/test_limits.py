"""A program that imports the library meets the bounds that HTTP and ``config.yaml`` have."""

import math
import subprocess
import sys

import pytest

from imagegen_core import Limits, Submission, ValidationFailed
from imagegen_core.search import Paging


@pytest.mark.parametrize(
    ("value", "field", "code"),
    [
        (lambda: Paging(page=0), "page", "too_small"),
        (lambda: Paging(page=10**9), "page", "too_large"),
        (lambda: Paging(page_size=0), "page_size", "too_small"),
        (lambda: Paging(page_size=1000), "page_size", "too_large"),
        (lambda: Limits(queue_size=0), "queue_size", "too_small"),
        (lambda: Limits(queue_size=1_000_001), "queue_size", "too_large"),
        (lambda: Limits(workers=0), "workers", "too_small"),
        (lambda: Limits(workers=2001), "workers", "too_large"),
        (lambda: Limits(shutdown_grace_seconds=-1), "shutdown_grace_seconds", "too_small"),
        (lambda: Limits(shutdown_grace_seconds=math.nan), "shutdown_grace_seconds", "too_small"),
        (lambda: Limits(default_provider=""), "default_provider", "not_a_name"),
        (lambda: Limits(default_provider="No Good!"), "default_provider", "not_a_name"),
        (
            lambda: Submission(prompt="x", idempotency_key="two words").check_shape(),
            "idempotency_key",
            "not_a_key",
        ),
        (
            lambda: Submission(prompt="x", idempotency_key="k" * 256).check_shape(),
            "idempotency_key",
            "not_a_key",
        ),
    ],
)
def test_what_is_out_of_its_range_is_refused(value, field, code):
    """By name, before anything goes by it."""
    with pytest.raises(ValidationFailed) as refused:
        value()

    assert [(field, code)] == [
        (problem.field, str(problem.reason.code)) for problem in refused.value.problems
    ]


def test_the_limits_load_nothing():
    """The command line names them in its help."""
    script = "import sys, imagegen_core.limits; print(*(m for m in sys.modules if m.startswith('imagegen')))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"imagegen_core", "imagegen_core.limits"} == set(loaded.stdout.split())
