"""The marks of an image, and changes of them."""

import attrs

from imagegen_core.marks.names import fold_name


@attrs.frozen(kw_only=True)
class Marks:
    """What people put on an image: its tags in the order in which it got them, and ids of collections."""

    favourite: bool = False
    tags: tuple[str, ...] = ()
    collections: tuple[int, ...] = ()


UNMARKED = Marks()


@attrs.frozen(kw_only=True)
class MarkChange:
    """What is to be other than it is; None leaves it as it is. Names of tags are those of `marks.names`.

    ``tags`` take the place of all that an image has; ``tag`` is added to them, ``untag`` taken away, as are
    the ids of collections ``add_to`` and ``remove_from``.
    """

    favourite: bool | None = None
    tags: tuple[str, ...] | None = None
    tag: str | None = None
    untag: str | None = None
    add_to: int | None = None
    remove_from: int | None = None

    @property
    def collection(self) -> int | None:
        """The collection that it is about, which has to exist."""
        return self.remove_from if self.add_to is None else self.add_to

    def apply(self, marks: Marks) -> Marks:
        """Return the changed marks; equal to the marks where nothing changes."""
        return Marks(
            favourite=marks.favourite if self.favourite is None else self.favourite,
            tags=self._tags(marks),
            collections=self._collections(marks),
        )

    def _tags(self, marks: Marks) -> tuple[str, ...]:
        tags = {fold_name(name): name for name in marks.tags}
        if self.tags is not None:
            written = {fold_name(name): name for name in self.tags}
            tags = {folded: tags.get(folded, name) for folded, name in written.items()}
        if self.tag is not None:
            tags.setdefault(fold_name(self.tag), self.tag)
        if self.untag is not None:
            tags.pop(fold_name(self.untag), None)
        return tuple(tags.values())

    def _collections(self, marks: Marks) -> tuple[int, ...]:
        ids = set(marks.collections) - {self.remove_from}
        return tuple(sorted(ids if self.add_to is None else ids | {self.add_to}))


@attrs.frozen(kw_only=True)
class ChangedImages:
    """How many images were changed, and which ids no image has; the others were so already."""

    changed: int
    missing: tuple[int, ...] = ()
