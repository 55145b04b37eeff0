"""Collections get a name, and another one."""

import attrs

from imagegen_core.marks import Collection, collection_name
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.image_marks import ImageMarks


@attrs.frozen(kw_only=True)
class CreateCollection:
    """Adds an empty collection."""

    marks: ImageMarks
    clock: Clock

    async def __call__(self, *, name: str) -> Collection:
        """Return the new collection; its name is given as people write it.

        Raises:
            ValidationFailed: no collection can have the name.
            CollectionExists: one has it.
            TooManyCollections: there are as many as there may be.
        """
        return await self.marks.add_collection(collection_name(name), self.clock.now())


@attrs.frozen(kw_only=True)
class RenameCollection:
    """Gives a collection another name."""

    marks: ImageMarks

    async def __call__(self, *, collection_id: int, name: str) -> Collection:
        """Return the collection as it is then.

        Raises:
            ValidationFailed: no collection can have the name.
            CollectionNotFound: there is none.
            CollectionExists: another one has the name.
        """
        return await self.marks.rename_collection(collection_id, collection_name(name))
