"""Refuses a body with anything in it where nothing would come of that: who sent it wants something."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from imagegen_http.api.bodies.fields import Body
from imagegen_http.api.wire import JsonRequest, decoded


class EmptyBody(Body, frozen=True):
    """A body that may as well be missing."""


async def without_fields(request: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let a request pass whose body is missing, or an object without fields.

    Raises:
        ValidationFailed: there is something in it, or it is no JSON.
    """
    body = await request.body() if isinstance(request, JsonRequest) else b""
    if body:
        decoded(body, EmptyBody)
