"""The archive in memory keeps its port's promises."""

import hashlib
from contextlib import contextmanager

import pytest

from imagegen_adapters.memory.files import MemoryBlobArchive
from tests.contracts.blob_archive import BlobArchiveContract

pytestmark = pytest.mark.anyio


class TestMemoryBlobArchive(BlobArchiveContract):
    @pytest.fixture
    def archive(self):
        return MemoryBlobArchive()

    @pytest.fixture
    def raw_reader(self, archive):
        return archive.blobs.get

    @pytest.fixture
    def checksum(self):
        return lambda data: hashlib.sha256(data).hexdigest()

    @pytest.fixture
    def outage(self, archive):
        @contextmanager
        def unreachable():
            archive.reachable = False
            yield
            archive.reachable = True

        return unreachable
