"""The trash as the gallery empties it."""

import attrs
import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core.errors import StorageError
from imagegen_core.messages import StorageCode
from imagegen_core.search import Paging
from imagegen_core.services.gallery import Images
from tests.contracts.samples import NOW, add_image

pytestmark = pytest.mark.anyio


@attrs.define
class Failing:
    """A trash whose database ends after one removal."""

    trash: object
    removals: int = 0

    async def list(self, paging):
        return await self.trash.list(paging)

    async def remove(self, image_ids):
        self.removals += 1
        if self.removals > 1:
            raise StorageError(StorageCode.IN_NO_STORE(image_id=0))
        return await self.trash.remove(image_ids)


async def emptied(parts, trash):
    """Return how many images were removed."""
    return await Images(parts=attrs.evolve(parts, trash=trash), on_change=lambda: None).empty_trash()


@pytest.fixture
def parts():
    return memory_adapters()


async def test_emptying_that_breaks_off_goes_on_with_the_rest(parts):
    """What was removed by then waits in the outbox, and nothing is removed twice."""
    ids = [(await add_image(parts.tasks)).id for _ in range(150)]
    await parts.trash.add(ids, NOW)

    with pytest.raises(StorageError):
        await emptied(parts, Failing(parts.trash))
    remaining = (await parts.trash.list(Paging())).total
    rest = await emptied(parts, parts.trash)

    assert (50, 50, 0) == (remaining, rest, (await parts.trash.list(Paging())).total)
    assert 300 == (await parts.outbox.counts()).removals


async def test_what_is_deleted_while_the_trash_is_emptied_stays(parts):
    """Whoever asked has not seen it there."""
    first, second = [(await add_image(parts.tasks)).id for _ in range(2)]
    await parts.trash.add([first], NOW)

    class Slow(Failing):
        async def remove(self, image_ids):
            await self.trash.add([second], NOW)
            return await self.trash.remove(image_ids)

    assert 1 == await emptied(parts, Slow(parts.trash))
    assert second == (await parts.trash.get(second)).image.id
