"""The inspector that works in a thread."""

import pytest

from imagegen_adapters.picture_inspectors.in_thread import ThreadInspector
from imagegen_adapters.testing.picture_inspector import PictureInspectorContract

pytestmark = pytest.mark.anyio


class TestThreadInspector(PictureInspectorContract):
    """It keeps the port's contract."""

    @pytest.fixture
    def inspector(self):
        return ThreadInspector()
