"""Images: their records."""

from typing import Annotated, Any, Self

from imagegen_core.images import Image as CoreImage
from imagegen_core.images import MediaType, StorageState
from imagegen_core.operations import Operation
from imagegen_core.ports.image_records import Match
from imagegen_core.use_cases.show_image import ImageView
from imagegen_http.answers.costs import Cost
from imagegen_http.answers.fields import (
    Answer,
    ImageId,
    JsonObject,
    ModelId,
    Prompt,
    ProviderName,
    TaskId,
    Time,
    doc,
    timestamp,
    with_exact_seed,
)
from imagegen_http.answers.marks import CollectionIds, Favourite, Tags


class Image(Answer, frozen=True, kw_only=True):
    """The record of an image."""

    id: ImageId
    task_id: TaskId
    operation: Annotated[Operation, doc("what it was made by", "generate")]
    prompt: Prompt
    provider: ProviderName
    model_id: ModelId
    params: Annotated[JsonObject, doc("the parameters that it was made with", {"width": 512, "height": 512})]
    image_url: Annotated[str, doc("where its bytes are", "/api/v1/images/7/content")]
    thumbnail_url: Annotated[str, doc("where its thumbnail is", "/api/v1/images/7/thumbnail")]
    mime_type: Annotated[MediaType, doc("type of the stored bytes", "image/png")]
    width: Annotated[int, doc("pixels", 512)]
    height: Annotated[int, doc("pixels", 512)]
    size_bytes: Annotated[int, doc("size of the stored bytes", 56345)]
    sha256: Annotated[str, doc("SHA-256 of the stored bytes, in hexadecimal", "9f86d081884c7d65" * 4)]
    storage: Annotated[StorageState, doc("where the bytes are", "local")]
    metadata: Annotated[JsonObject, doc("what the provider said beside the image", {"seed": 7})]
    cost: Annotated[
        Cost | None,
        doc("its share of what its call cost; null if that was nothing, or was not recorded yet"),
    ]
    favourite: Favourite
    tags: Tags
    collections: CollectionIds
    created_at: Time

    @classmethod
    def from_image(cls, image: CoreImage, **more: Any) -> Self:
        """Return the record of an image."""
        url = f"/api/v1/images/{image.id}"
        return cls(
            id=image.id,
            task_id=image.task_id,
            operation=image.operation,
            prompt=image.prompt,
            provider=image.provider_name,
            model_id=image.model_id,
            params=with_exact_seed(image.params),
            image_url=f"{url}/content",
            thumbnail_url=f"{url}/thumbnail",
            mime_type=image.mime_type,
            width=image.width,
            height=image.height,
            size_bytes=image.size_bytes,
            sha256=image.sha256,
            storage=image.storage,
            metadata=with_exact_seed(image.metadata),
            cost=Cost.optional(image.cost),
            favourite=image.marks.favourite,
            tags=list(image.marks.tags),
            collections=list(image.marks.collections),
            created_at=timestamp(image.created_at),
            **more,
        )


class FoundImage(Image, frozen=True, kw_only=True):
    """The record of an image that a search came up with."""

    match: Annotated[Match, doc("whether its prompt has the words, or is only close to them", "exact")]


class ImageDetail(Image, frozen=True, kw_only=True):
    """The record of an image, its relatives, and what is beside it in the list that the query names."""

    parents: Annotated[list[ImageId], doc("images that its task took as inputs, in order", [3])]
    children: Annotated[list[ImageId], doc("the newest 100 images made from it, newest first", [12, 9])]
    previous: Annotated[
        int | None,
        doc("id of the image that the list shows before it, a newer one; null for the first", 8),
    ]
    next: Annotated[int | None, doc("id of the image that the list shows after it; null for the last", 6)]

    @classmethod
    def from_view(cls, view: ImageView) -> "ImageDetail":
        """Return what is said of an image."""
        beside = view.neighbours
        return cls.from_image(
            view.image,
            parents=[*view.parents],
            children=[*view.children],
            previous=beside.previous,
            next=beside.next,
        )


class ImageDay(Answer, frozen=True, kw_only=True):
    """A day on which images were made."""

    day: Annotated[str, doc("of the time zone that was asked for", "2026-11-27", format="date")]
    count: Annotated[int, doc("images that were made on it, and are still there", 3)]


class DeletedImage(Answer, frozen=True, kw_only=True):
    """What an event says of an image that was deleted since."""

    id: ImageId
    deleted: Annotated[bool, doc("always true", example=True, const=True)]
