"""The inspector that works in a thread."""

import pytest

from imagegen_adapters.image_inspectors.in_thread import ThreadInspector
from tests.contracts.image_inspector import ImageInspectorContract

pytestmark = pytest.mark.anyio


class TestThreadInspector(ImageInspectorContract):
    """It keeps the port's contract."""

    @pytest.fixture
    def inspector(self):
        return ThreadInspector()
