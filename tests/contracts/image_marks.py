"""The contract of marks of images, as tests to subclass.

A subclass provides the fixtures ``repository``, ``records`` and ``marks``, empty, over the same data.
"""

import pytest

from imagegen_core.ports.image_marks import ImageMarks
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.marks.changes import Changes
from tests.contracts.marks.collections import Collections
from tests.contracts.marks.deletions import Deletions
from tests.contracts.marks.tags import Tags


class ImageMarksContract(Changes, Tags, Collections, Deletions):
    """Favourites, tags and collections of images."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that adds the images."""
        raise NotImplementedError

    @pytest.fixture
    def records(self, repository: TaskRepository) -> ImageRecords:
        """Return the records that show the marks."""
        raise NotImplementedError

    @pytest.fixture
    def marks(self, repository: TaskRepository) -> ImageMarks:
        """Return the marks under test."""
        raise NotImplementedError
