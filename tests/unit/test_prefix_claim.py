"""A prefix of a bucket has one owner, whatever the bucket is like."""

import pytest

from imagegen_adapters.archives.prefix import PrefixClaim, PrefixTaken
from imagegen_core.errors import StorageUnreachable

pytestmark = pytest.mark.anyio


class ObjectInMemory:
    """The object that names the owner; it is seen only ``late`` reads after it was written."""

    def __init__(self, data=None, late=0):
        self.data, self.late, self.creations = data, late, 0

    async def read(self):
        if self.data is not None and self.late:
            self.late -= 1
            return None
        return self.data

    async def create(self, data):
        self.creations += 1
        self.data = data if self.data is None else self.data


def claim(owner_object, installation=None):
    async def installation_id():
        return installation

    who = None if installation is None else installation_id
    return PrefixClaim(
        archive="OSS",
        place="my-pictures/a",
        read=owner_object.read,
        create=owner_object.create,
        installation_id=who,
    )


async def test_the_first_request_claims_it_and_others_do_not_ask():
    """Also a later process of the same installation writes nothing more."""
    owner_object = ObjectInMemory()
    first = claim(owner_object, "one")
    for prefix in (first, first, claim(owner_object, "one")):
        await prefix.hold()

    assert (b"one", 1) == (owner_object.data, owner_object.creations)


async def test_another_installation_is_told_what_to_do():
    """Whose it is, where, and what to delete if that one is gone."""
    with pytest.raises(PrefixTaken) as caught:
        await claim(ObjectInMemory(b"one"), "two").hold()

    assert all(word in str(caught.value) for word in ("my-pictures/a", "(one)", "IMAGEGEN-OWNER"))


async def test_who_was_refused_asks_again():
    """So that no restart is needed once the other one's object is gone."""
    owner_object = ObjectInMemory(b"one")
    second = claim(owner_object, "two")
    with pytest.raises(PrefixTaken):
        await second.hold()
    owner_object.data = None
    await second.hold()

    assert b"two" == owner_object.data


async def test_an_object_that_is_seen_late_is_nobody_elses():
    """What was just written and is not there yet is tried again, and nothing is done meanwhile."""
    prefix = claim(ObjectInMemory(late=1), "one")
    with pytest.raises(StorageUnreachable):
        await prefix.hold()
    await prefix.hold()

    assert await prefix.check("one")


async def test_looking_writes_nothing():
    """Neither where nobody is, nor where another one is; empty is who has no id yet."""
    nobodys, others = ObjectInMemory(), ObjectInMemory(b"one")
    assert not await claim(nobodys).check("two")
    for installation in ("two", ""):
        with pytest.raises(PrefixTaken):
            await claim(others).check(installation)

    assert (0, 0) == (nobodys.creations, others.creations)


async def test_an_empty_object_is_somebody_elses():
    """Nobody can say whose it is, so it is not overwritten."""
    with pytest.raises(PrefixTaken, match=r"\(\?\)"):
        await claim(ObjectInMemory(b""), "one").hold()
