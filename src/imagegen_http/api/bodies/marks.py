"""What bodies look like that change the marks of images."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Meta, UnsetType

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_BATCH_IMAGES, MAX_COLLECTION_NAME_CHARS, MAX_TAG_CHARS, MAX_TAGS
from imagegen_core.marks.marks import MarkChange
from imagegen_core.problems.fields import ProblemCode
from imagegen_http.answers.fields import doc
from imagegen_http.api.bodies.fields import NAME_PATTERN, Body

EXAMPLE_COLLECTION = "猫的图片"

_TAG_WORDS = Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_TAG_CHARS, "pattern": NAME_PATTERN})
_TAGS = f"in place of all that it has: at most {MAX_TAGS} of 1 to {MAX_TAG_CHARS} characters"


class MarkBody(Body, frozen=True, kw_only=True):
    """What is to be other of an image; what is left out stays as it is."""

    favourite: Annotated[bool, doc("whether it is a favourite", example=True)] | UnsetType = UNSET
    tags: Annotated[list[Annotated[str, _TAG_WORDS]], doc(_TAGS, ["猫", "动物"])] | UnsetType = UNSET

    @property
    def change(self) -> MarkChange:
        """The change that it asks for."""
        return MarkChange(
            favourite=None if self.favourite is UNSET else self.favourite,
            tags=None if self.tags is UNSET else tuple(self.tags),
        )


class BatchAction(StrEnum):
    """What may be done to many images at once."""

    DELETE = "delete"
    FAVOURITE = "favourite"
    UNFAVOURITE = "unfavourite"
    TAG = "tag"
    UNTAG = "untag"
    ADD_TO = "add_to"
    REMOVE_FROM = "remove_from"

    @property
    def argument(self) -> str | None:
        """The field that it needs."""
        return _ARGUMENTS.get(self)


_ARGUMENTS = {
    BatchAction.TAG: "tag",
    BatchAction.UNTAG: "tag",
    BatchAction.ADD_TO: "collection",
    BatchAction.REMOVE_FROM: "collection",
}


class BatchBody(Body, frozen=True, kw_only=True):
    """What is to be done to many images: to all of them or, if it is refused, to none."""

    ids: Annotated[
        list[int], Meta(max_length=MAX_BATCH_IMAGES), doc("ids of images; missing ones are no error", [1])
    ]
    action: Annotated[BatchAction, doc("what to do", BatchAction.TAG)]
    tag: Annotated[str, doc("for `tag` and `untag`", "猫"), _TAG_WORDS] | None = None
    collection: Annotated[int | None, doc("its id, for `add_to` and `remove_from`")] = None

    schema_words: ClassVar[Mapping[str, Any]] = {
        "allOf": [
            {
                "if": {
                    "properties": {
                        "action": {"enum": [a for a, needed in _ARGUMENTS.items() if needed == name]}
                    }
                },
                "then": {"properties": {name: {"type": kind}}, "required": [name]},
                "else": {"properties": {name: {"type": "null"}}},
            }
            for name, kind in (("tag", "string"), ("collection", "integer"))
        ]
    }

    @property
    def change(self) -> MarkChange | None:
        """The change of marks that it asks for; None if the images are to be deleted.

        Raises:
            ValidationFailed: the action needs another field, or does not take one that is there.
        """
        for name, value in (("tag", self.tag), ("collection", self.collection)):
            if value is None and name == self.action.argument:
                raise ValidationFailed.for_field(name, ProblemCode.REQUIRED())
            if value is not None and name != self.action.argument:
                raise ValidationFailed.for_field(name, ProblemCode.NOT_WITH_ACTION(action=self.action))
        match self.action:
            case BatchAction.DELETE:
                return None
            case BatchAction.FAVOURITE | BatchAction.UNFAVOURITE:
                return MarkChange(favourite=self.action is BatchAction.FAVOURITE)
            case BatchAction.TAG:
                return MarkChange(tag=self.tag)
            case BatchAction.UNTAG:
                return MarkChange(untag=self.tag)
            case BatchAction.ADD_TO:
                return MarkChange(add_to=self.collection)
            case BatchAction.REMOVE_FROM:
                return MarkChange(remove_from=self.collection)


class CollectionBody(Body, frozen=True, kw_only=True):
    """The name of a collection."""

    name: Annotated[
        str,
        doc(
            f"1 to {MAX_COLLECTION_NAME_CHARS} characters, which no other collection has",
            EXAMPLE_COLLECTION,
            minLength=1,
            maxLength=MAX_COLLECTION_NAME_CHARS,
            pattern=NAME_PATTERN,
        ),
    ]
