"""What others wrote against modules that are gone is told where to look."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = "docs/how-to/test-an-adapter.md"


@pytest.mark.parametrize(
    "module",
    [
        "imagegen_core.ports.blob_store",
        "imagegen_core.use_cases.submit",
        "imagegen_core.requests.image_request",
        "imagegen_core.errors.calls",
        "imagegen_adapters.testing.queue",
    ],
)
def test_a_module_that_is_gone_names_the_page(module):
    """It is an `ImportError`, as for any other."""
    with pytest.raises(ModuleNotFoundError, match=re.escape(PAGE)) as error_info:
        importlib.import_module(module)

    assert module.startswith(error_info.value.name)


def test_a_name_that_is_gone_names_the_page():
    """Of a package, and of a module that had it."""
    with pytest.raises(ImportError, match=re.escape(PAGE)):
        from imagegen_core import Adapters  # noqa: F401 - there is no such name
    with pytest.raises(ImportError, match=re.escape(PAGE)):
        from imagegen_core.ports.queue import QueueCounts  # noqa: F401 - the same
    with pytest.raises(ImportError, match=re.escape(PAGE)):
        from imagegen_adapters.outbound import Outbound  # noqa: F401 - the same


def test_the_page_tells_what_moved():
    """The heading is what the errors name."""
    assert "\n## What moved\n" in (Path(__file__).parents[2] / PAGE).read_text("utf-8")
