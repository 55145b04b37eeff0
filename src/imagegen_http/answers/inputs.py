"""The input images of tasks."""

from typing import Annotated

from imagegen_core.images import MediaType
from imagegen_core.requests.input_image import InputRole
from imagegen_core.use_cases.show_inputs import InputView
from imagegen_http.answers.fields import Answer, ImageId, doc


class TaskInput(Answer, frozen=True, kw_only=True):
    """An input image of a task."""

    role: Annotated[InputRole, doc("what it is there for", "reference")]
    index: Annotated[int, doc("number among all inputs of the task, from 0", 0)]
    image_id: Annotated[
        ImageId | None, doc("the stored image that it was named by; null for one that was sent")
    ]
    url: Annotated[
        str | None,
        doc(
            "where its bytes are; null once that image is deleted, or where they were not kept",
            "/api/v1/images/7/content",
        ),
    ]
    mime_type: Annotated[MediaType, doc("type of its bytes", "image/png")]
    width: Annotated[int, doc("pixels", 512)]
    height: Annotated[int, doc("pixels", 512)]
    size_bytes: Annotated[int, doc("size of its bytes", 56345)]

    @classmethod
    def from_view(cls, view: InputView, task_id: str, index: int) -> "TaskInput":
        """Return an input by its number among those of its task."""
        image = view.image
        place = f"tasks/{task_id}/inputs/{index}" if image.image_id is None else f"images/{image.image_id}"
        return cls(
            role=view.role,
            index=index,
            image_id=image.image_id,
            url=f"/api/v1/{place}/content" if view.available else None,
            mime_type=MediaType(image.mime_type),
            width=image.width,
            height=image.height,
            size_bytes=image.size_bytes,
        )
