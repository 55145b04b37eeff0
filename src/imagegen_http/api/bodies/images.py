"""Bodies that are about images."""

from typing import Annotated

from msgspec import Meta

from imagegen_core.limits import MAX_ZIPPED_IMAGES
from imagegen_http.answers.fields import doc
from imagegen_http.api.bodies.fields import Body

MAX_IMAGE_ID = 2**63 - 1


class ZipBody(Body, frozen=True, kw_only=True):
    """Which images to put into a zip file. A form has the numbers in one field ``ids`` or several."""

    ids: Annotated[
        list[Annotated[int, Meta(ge=1, le=MAX_IMAGE_ID)]],
        Meta(min_length=1, max_length=MAX_ZIPPED_IMAGES),
        doc("ids of images, in this order; each once", [1]),
    ]
