"""Several images in one zip file."""

from typing import cast
from urllib.parse import parse_qsl

from litestar import post
from litestar.types import ASGIApp

from imagegen_core.errors import ValidationFailed
from imagegen_core.limits import MAX_ZIPPED_IMAGES
from imagegen_core.problems.fields import ProblemCode
from imagegen_http.answers.responses import BODY_REFUSALS, refusals
from imagegen_http.api.bodies.images import ZipBody
from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.api.wire import JsonRequest, converted, decoded
from imagegen_http.api.zip_response import ZipResponse
from imagegen_http.asgi import request_context
from imagegen_http.asgi.types import Scope
from imagegen_http.guard.content_headers import FORM, ZIP, media_type
from imagegen_http.guard.inbound_request import InboundRequest


@post(
    ZIP,
    status_code=200,
    tags=["images"],
    responses=refusals(*BODY_REFUSALS, "image_not_found", "unavailable"),
)
async def zip_images(request: JsonRequest, service: ServiceDependency) -> ASGIApp:
    """Fetch images as one zip file, which is made while it is sent.

    In the order of `ids`, each named after its prompt. A form may ask for it as well, as a browser does to
    save it.
    """
    body = _body(request)
    pieces = service.imagegen.zip_images(body.ids, language=request_context.language.get())
    return cast("ASGIApp", ZipResponse(pieces))  # plain ASGI, for which Litestar has types of its own


HANDLERS = [zip_images]


def _body(request: JsonRequest) -> ZipBody:
    """Return the body, which is JSON or a form.

    Raises:
        ValidationFailed: it does not say which images.
    """
    text = bytes(request.buffered_body.text)
    is_form = media_type(InboundRequest.from_scope(cast("Scope", request.scope))) == FORM
    body: ZipBody = converted(_fields(text), ZipBody, strict=False) if is_form else decoded(text, ZipBody)
    return body


def _fields(text: bytes) -> dict[str, list[str]]:
    """Return the fields of a form: each has what is in all of that name, between commas or spaces."""
    fields: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(text.decode("latin-1"), max_num_fields=MAX_ZIPPED_IMAGES)
    except ValueError as error:
        reason = ProblemCode.TOO_MANY_ITEMS(maximum=MAX_ZIPPED_IMAGES)
        raise ValidationFailed.for_field("ids", reason) from error
    for name, value in pairs:
        fields.setdefault(name, []).extend(value.replace(",", " ").split())
    return fields
