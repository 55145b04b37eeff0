"""A stored image, and the marks that people put on it: favourite, tags and collections."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

import attrs
from attrs.converters import optional

from imagegen_core.costs import Cost
from imagegen_core.errors import ValidationFailed, check_name
from imagegen_core.limits import MAX_COLLECTION_NAME_CHARS, MAX_TAG_CHARS, MAX_TAGS
from imagegen_core.messages import Problem, ProblemCode
from imagegen_core.requests import Operation
from imagegen_core.values import frozen_mapping


@attrs.frozen(kw_only=True)
class Collection:
    """A named set of images; an image may be in several. ``cover`` is the id of its newest image."""

    id: int
    name: str
    created_at: datetime
    count: int = 0
    cover: int | None = None


@attrs.frozen(kw_only=True)
class TagUse:
    """A tag, as it was first written, and the number of images that have it."""

    name: str
    count: int


def fold_name(name: str) -> str:
    """Return what names are compared by: case and width make no difference.

    Traditional characters stay, unlike in prompts: this is stored, and only Unicode promises never to change.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def tag_name(text: str, field: str = "tag") -> str:
    """Return a tag as it is stored: trimmed and in Unicode's normal form C."""
    return _clean(text, field, maximum=MAX_TAG_CHARS)


def tag_names(texts: Iterable[str], field: str = "tags") -> tuple[str, ...]:
    names: dict[str, str] = {}
    problems: list[Problem] = []
    for index, text in enumerate(texts):
        try:
            name = tag_name(text, f"{field}.{index}")
            names.setdefault(fold_name(name), name)
        except ValidationFailed as error:
            problems += error.problems
    if not problems and len(names) > MAX_TAGS:
        problems = [Problem(field, ProblemCode.TOO_MANY_ITEMS(maximum=MAX_TAGS))]
    if problems:
        raise ValidationFailed(*problems)
    return tuple(names.values())


def collection_name(text: str, field: str = "name") -> str:
    """Return the name of a collection as it is stored, like a tag."""
    return _clean(text, field, maximum=MAX_COLLECTION_NAME_CHARS)


def _clean(text: str, field: str, *, maximum: int) -> str:
    name = unicodedata.normalize("NFC", text.strip())
    check_name(field, name, maximum=maximum)
    return name


@attrs.frozen(kw_only=True)
class Marks:
    """Marks of one image; tags in the order in which it got them, collections by id."""

    favourite: bool = False
    tags: tuple[str, ...] = ()
    collections: tuple[int, ...] = ()


UNMARKED = Marks()


@attrs.frozen(kw_only=True)
class MarkChange:
    """A change of marks; None leaves a thing as it is.

    ``tags`` replaces all tags of an image, ``tag`` adds one, ``untag`` removes one; they may be as people
    write them.
    """

    favourite: bool | None = None
    tags: tuple[str, ...] | None = attrs.field(default=None, converter=optional(tag_names))
    tag: str | None = attrs.field(default=None, converter=optional(tag_name))
    untag: str | None = attrs.field(default=None, converter=optional(tag_name))
    add_to: int | None = None
    remove_from: int | None = None

    @property
    def collection(self) -> int | None:
        """The collection concerned, which has to exist."""
        return self.remove_from if self.add_to is None else self.add_to

    def apply(self, marks: Marks) -> Marks:
        tags = {fold_name(name): name for name in marks.tags}
        if self.tags is not None:
            written = {fold_name(name): name for name in self.tags}
            tags = {folded: tags.get(folded, name) for folded, name in written.items()}
        if self.tag is not None:
            tags.setdefault(fold_name(self.tag), self.tag)
        if self.untag is not None:
            tags.pop(fold_name(self.untag), None)
        collections = set(marks.collections) - {self.remove_from}
        return Marks(
            favourite=marks.favourite if self.favourite is None else self.favourite,
            tags=tuple(tags.values()),
            collections=tuple(sorted(collections if self.add_to is None else collections | {self.add_to})),
        )


@attrs.frozen(kw_only=True)
class ChangedImages:
    """How many images were changed, and which ids no image has; the others needed no change."""

    changed: int
    missing: tuple[int, ...] = ()


MAX_IMAGE_BYTES = 50 * 1024 * 1024  # of an image from a caller or a provider
SIGNATURE_BYTES = 4096  # this much of its beginning shows an image's type: comments may come before an SVG


class ThumbnailSide(IntEnum):
    """How many pixels the longer side of a thumbnail has at most."""

    SMALL = 512
    LARGE = 1024


class StorageState(StrEnum):
    """Where an image's bytes are."""

    LOCAL = "local"
    BOTH = "both"
    ARCHIVE = "oss"


_SVG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?>\s+|<\?.*?\?>|<!--.*?-->)*+(?:<!DOCTYPE\s+|<(?:[\w.-]+:)?)svg[\s/>\[]", re.DOTALL
)


class MediaType(StrEnum):
    """The image types that are accepted; anything else is refused. An SVG is accepted from providers only."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"
    GIF = "image/gif"
    AVIF = "image/avif"
    SVG = "image/svg+xml"

    @property
    def extension(self) -> str:
        return "jpg" if self is MediaType.JPEG else self.name.lower()

    @classmethod
    def sniff(cls, signature: bytes) -> "MediaType | None":
        """Return the type that the first `SIGNATURE_BYTES` show."""
        if signature.startswith(b"\x89PNG\r\n\x1a\n"):
            return cls.PNG
        if signature.startswith(b"\xff\xd8\xff"):
            return cls.JPEG
        if signature[:4] == b"RIFF" and signature[8:12] == b"WEBP":
            return cls.WEBP
        if signature[:6] in (b"GIF87a", b"GIF89a"):
            return cls.GIF
        if signature[4:8] == b"ftyp":
            brands = signature[8:12] + signature[16 : int.from_bytes(signature[:4], "big")]
            is_avif = any(brands[at : at + 4] in (b"avif", b"avis") for at in range(0, len(brands), 4))
            return cls.AVIF if is_avif else None
        return cls.SVG if _SVG.match(signature) else None


@attrs.frozen(kw_only=True)
class Image:
    """A stored image; ``id`` is 0 until the repository assigns one.

    ``sha256`` is that of the stored bytes, ``vendor_sha256`` that of the provider's, if a label was added.
    ``archive_checksum`` is the archive's own, opaque to everybody else. ``metadata`` came from the provider
    (seed, revised prompt, safety ratings). ``cost`` is its share of its call's; None if nothing or unknown.
    """

    task_id: str
    attempt_id: str
    position: int
    operation: Operation
    prompt: str
    provider_name: str
    model_id: str
    mime_type: MediaType
    width: int
    height: int
    size_bytes: int
    sha256: str
    blob_key: str
    created_at: datetime
    id: int = 0
    thumbnail_key: str | None = None
    vendor_sha256: str | None = None
    archive_checksum: str | None = None
    storage: StorageState = StorageState.LOCAL
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    metadata: Mapping[str, Any] = attrs.field(factory=dict, converter=frozen_mapping)
    cost: Cost | None = None
    marks: Marks = UNMARKED
