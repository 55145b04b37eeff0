"""The contract of image records, as tests to subclass.

A subclass provides the fixtures ``repository`` and ``records``, empty, over the same data::

    class TestMyRecords(ImageRecordsContract):
        @pytest.fixture
        def repository(self): ...

        @pytest.fixture
        def records(self, repository): ...
"""

import pytest

from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.images.lists import Lists
from tests.contracts.images.records import Records
from tests.contracts.images.searches import Searches
from tests.contracts.images.similarities import Similarities


class ImageRecordsContract(Records, Lists, Searches, Similarities):
    """Records of images, and the search over them."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that adds the images."""
        raise NotImplementedError

    @pytest.fixture
    def records(self, repository: TaskRepository) -> ImageRecords:
        """Return the records under test."""
        raise NotImplementedError
