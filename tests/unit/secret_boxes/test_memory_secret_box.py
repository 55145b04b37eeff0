"""The box in memory keeps its port's promises."""

import pytest

from imagegen_adapters.secrets import MemorySecretBox
from tests.contracts.secret_box import SecretBoxContract


class TestMemorySecretBox(SecretBoxContract):
    @pytest.fixture
    def box(self):
        return MemorySecretBox()

    @pytest.fixture
    def stranger(self):
        return MemorySecretBox()

    @pytest.fixture
    def locked_box(self):
        return MemorySecretBox(locked=True)
