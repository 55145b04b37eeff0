"""The memory spool keeps the contract."""

import pytest

from imagegen_adapters.memory.files import MemorySpool
from tests.contracts.spool import SpoolContract

pytestmark = pytest.mark.anyio


class TestMemorySpool(SpoolContract):
    """In memory."""

    @pytest.fixture
    def spool(self, clock):
        return MemorySpool(clock)
