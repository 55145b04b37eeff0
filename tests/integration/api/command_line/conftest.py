"""A command in an empty directory."""

import pytest

from tests.integration.api.live_server import imagegen

SMALL = ("--param", "width=64", "--param", "height=64")
"""Options that keep an image of the demo provider small."""


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command in an empty directory."""
    return lambda *args, **more: imagegen(*args, cwd=tmp_path, **more)
