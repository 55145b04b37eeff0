"""The in-memory blob store fulfils the contract of its port."""

import pytest

from imagegen_adapters.memory.files import MemoryBlobStore
from tests.contracts.blob_store import BlobStoreContract

pytestmark = pytest.mark.anyio


class TestMemoryBlobStore(BlobStoreContract):
    @pytest.fixture
    def store(self):
        return MemoryBlobStore()

    @pytest.fixture
    def raw_reader(self, store):
        return store.blobs.get
