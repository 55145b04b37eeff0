"""The contract of an image inventory, as tests to subclass.

A subclass provides the fixtures ``repository``, ``records`` and ``inventory``, empty, over the same data.
"""

import pytest

from imagegen_core.images import Image, StorageState
from imagegen_core.ports.image_inventory import ImageInventory
from imagegen_core.ports.image_records import ImageRecords
from imagegen_core.ports.task_repository import TaskRepository
from tests.contracts.samples import add_image, later


def _ids(images: tuple[Image, ...]) -> list[int]:
    return [image.id for image in images]


class ImageInventoryContract:
    """Which images should be in which store, in batches."""

    @pytest.fixture
    def repository(self) -> TaskRepository:
        """Return the empty repository that adds the images."""
        raise NotImplementedError

    @pytest.fixture
    def records(self, repository: TaskRepository) -> ImageRecords:
        """Return the image records over the same data."""
        raise NotImplementedError

    @pytest.fixture
    def inventory(self, records: ImageRecords) -> ImageInventory:
        """Return the inventory under test."""
        raise NotImplementedError

    async def test_an_empty_inventory_has_nothing(self, inventory: ImageInventory) -> None:
        """There are no images, and every key is unknown."""
        assert ((), (), 0) == (
            await inventory.images(),
            await inventory.aged(created_before=later(1)),
            await inventory.count(),
        )
        assert {"a.png"} == await inventory.unknown(["a.png"])

    async def test_records_come_whole(self, repository: TaskRepository, inventory: ImageInventory) -> None:
        """The inventory returns complete records."""
        image = await add_image(repository, storage=StorageState.BOTH)

        assert (image,) == await inventory.images()
        assert (image,) == await inventory.aged(created_before=later(1))

    async def test_images_are_found_by_state(
        self, repository: TaskRepository, inventory: ImageInventory
    ) -> None:
        """Images are returned in the order of ids, after a given one, and can be counted."""
        both = {"storage": StorageState.BOTH}
        ids = [
            (await add_image(repository, created_at=later(at), **more)).id
            for at, more in ((0, both), (1, {}), (2, both), (3, both))
        ]

        batches = {
            "all": await inventory.images(),
            "both": await inventory.images(state=StorageState.BOTH),
            "next": await inventory.images(after=ids[0], limit=2),
        }
        counts = [
            await inventory.count(),
            await inventory.count(state=StorageState.LOCAL),
            await inventory.count(state=StorageState.BOTH, created_before=later(3)),
        ]

        assert {
            "all": ids,
            "both": [ids[0], ids[2], ids[3]],
            "next": [ids[1], ids[2]],
        } == {name: [image.id for image in images] for name, images in batches.items()}
        assert [4, 1, 2] == counts

    async def test_aged_images_are_in_both_stores(
        self, repository: TaskRepository, inventory: ImageInventory
    ) -> None:
        """Sorted by age and not by id, since a clock may have been wrong; the time is exclusive."""
        both = {"storage": StorageState.BOTH}
        aged_images = [
            await add_image(repository, created_at=later(at), **more)
            for at, more in ((2, both), (0, {}), (1, both), (1, both), (3, both))
        ]

        batches = [
            await inventory.aged(created_before=later(3)),
            await inventory.aged(created_before=later(3), after=aged_images[2]),
            await inventory.aged(created_before=later(3), limit=1),
            await inventory.aged(created_before=later(1)),
        ]

        ids = [image.id for image in aged_images]
        assert [[ids[2], ids[3], ids[0]], [ids[3], ids[0]], [ids[2]], []] == [
            [image.id for image in images] for images in batches
        ]

    async def test_unknown_keys_are_returned(
        self, repository: TaskRepository, inventory: ImageInventory
    ) -> None:
        """Keys that belong to neither an image nor a thumbnail are returned."""
        image = await add_image(repository)

        unknown = await inventory.unknown([image.blob_key, image.thumbnail_key or "", "x.png", "y.png"])

        assert {"x.png", "y.png"} == unknown

    async def test_no_key_at_all_is_unknown(self, inventory: ImageInventory) -> None:
        """No keys at all are no error."""
        assert frozenset() == await inventory.unknown([])

    async def test_pieces_join_to_the_whole(
        self, repository: TaskRepository, inventory: ImageInventory
    ) -> None:
        """Continuing after the last of each batch returns every image once."""
        both = {"storage": StorageState.BOTH}
        ids = [(await add_image(repository, created_at=later(-n), **both)).id for n in range(5)]
        pieces: list[tuple[Image, ...]] = []
        aged: list[tuple[Image, ...]] = []

        while piece := await inventory.images(after=pieces[-1][-1].id if pieces else 0, limit=2):
            pieces.append(piece)
        while piece := await inventory.aged(
            created_before=later(1), after=aged[-1][-1] if aged else None, limit=2
        ):
            aged.append(piece)

        assert [[*ids[:2]], [*ids[2:4]], [ids[4]]] == [_ids(piece) for piece in pieces]
        assert [[ids[4], ids[3]], [ids[2], ids[1]], [ids[0]]] == [_ids(piece) for piece in aged]

    async def test_an_image_that_moved_is_where_it_is_now(
        self, repository: TaskRepository, records: ImageRecords, inventory: ImageInventory
    ) -> None:
        """The inventory follows the records."""
        image = await add_image(repository)
        await records.set_storage(image.id, StorageState.BOTH)
        in_both = await inventory.aged(created_before=later(1))
        await records.set_storage(image.id, StorageState.ARCHIVE)

        counts = [await inventory.count(state=state) for state in StorageState]

        assert [image.id] == _ids(in_both)
        assert [state is StorageState.ARCHIVE for state in StorageState] == [bool(count) for count in counts]
        assert () == await inventory.aged(created_before=later(1))

    async def test_a_deleted_image_is_nowhere(
        self, repository: TaskRepository, records: ImageRecords, inventory: ImageInventory
    ) -> None:
        """Its keys are unknown from then on; those of others are not."""
        image, other = await add_image(repository), await add_image(repository)
        await records.delete(image.id)

        unknown = await inventory.unknown([image.blob_key, image.thumbnail_key or "", other.blob_key])

        assert {image.blob_key, image.thumbnail_key} == unknown
        assert ([other.id], 1) == (_ids(await inventory.images()), await inventory.count())

    async def test_an_image_without_a_thumbnail_has_one_key(
        self, repository: TaskRepository, inventory: ImageInventory
    ) -> None:
        """A missing thumbnail makes no other key known."""
        image = await add_image(repository, thumbnail_key=None)

        assert {"", "None"} == await inventory.unknown([image.blob_key, "", "None"])
