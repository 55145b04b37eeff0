"""A program that imports the library meets the bounds that HTTP and ``config.yaml`` have."""

import subprocess
import sys

import pytest

from imagegen_core import Limits, Submission, ValidationFailed
from imagegen_core.search.pages import Paging


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (lambda: Paging(page=0), "page"),
        (lambda: Paging(page_size=0), "page_size"),
        (lambda: Paging(page_size=1000), "page_size"),
        (lambda: Limits(queue_size=0), "queue_size"),
        (lambda: Limits(workers=0), "workers"),
        (lambda: Limits(workers=1001), "workers"),
        (lambda: Limits(shutdown_grace_seconds=-1), "shutdown_grace_seconds"),
        (lambda: Submission(prompt="x", idempotency_key="two words").check_shape(), "idempotency_key"),
        (lambda: Submission(prompt="x", idempotency_key="k" * 256).check_shape(), "idempotency_key"),
    ],
)
def test_a_number_out_of_its_range_is_refused(value, field):
    """By name, before anything goes by it."""
    with pytest.raises(ValidationFailed) as refused:
        value()

    assert [field] == [problem.field for problem in refused.value.problems]


def test_the_limits_load_nothing():
    """The command line names them in its help."""
    script = "import sys, imagegen_core.limits; print(*(m for m in sys.modules if m.startswith('imagegen')))"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert {"imagegen_core", "imagegen_core.limits"} == set(loaded.stdout.split())
