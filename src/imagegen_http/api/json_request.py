"""Parses a JSON body strictly as its handler declares it: ``"60"`` is not a number and 1 not a boolean."""

import contextlib
import json
from typing import Any, cast

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, ValidationException

from imagegen_core.values.valid_text import text_problems
from imagegen_http.asgi.types import Scope
from imagegen_http.guard import BufferedBody, Text

_MAX_SEARCHED_BYTES = 1024 * 1024
"""A longer body, which has images, is not searched for the field at fault."""


class JsonRequest(Request[Any, Any, Any]):
    """Litestar's own parsing is lenient: query parameters need that, but bodies must be strict."""

    @property
    def buffered_body(self) -> BufferedBody:
        """The body as the guard buffered it; `json` returns placeholders for its large images."""
        scope: Scope = self.scope  # type: ignore[assignment] # plain ASGI, for which Litestar has its own type
        return BufferedBody.from_scope(scope)

    async def body(self) -> bytes:
        """Return the body without its large images; Litestar would keep a copy until the response."""
        text = self.buffered_body.outline.text or await super().body()
        return cast("bytes", text)  # or a bytearray, which nobody modifies

    async def json(self) -> Any:
        """Return the parsed body, with the type of the handler's ``data`` if it has one.

        Raises:
            ValidationException: it does not match that type.
            ClientException: it is not JSON.
        """
        declared = self.route_handler.parsed_data_field
        text = await self.body()
        try:
            return msgspec.json.decode(text, type=declared.annotation if declared else Any)
        except msgspec.ValidationError as error:
            problem = {"key": "body", "message": str(error)}
            raise ValidationException("the body is not valid", extra=[problem]) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise malformed(text) from error


def malformed(body: Text) -> ClientException:
    """Return the refusal of a body that msgspec cannot parse.

    JSON's grammar allows half of a surrogate pair, so the field that has one is named.
    """
    if len(body) <= _MAX_SEARCHED_BYTES and b"\\u" in body:
        with contextlib.suppress(ValueError, RecursionError):
            problems = [
                {"key": field or "body", "message": m} for field, m in text_problems(json.loads(body))
            ]
            if problems:
                return ValidationException("the body is not valid", extra=problems)
    return ClientException("malformed JSON")
