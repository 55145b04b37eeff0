"""Reads a JSON body as exactly what its handler declares: a ``"60"`` is no number and a 1 no boolean."""

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
"""In a longer body, one with images, no field is looked for."""


class JsonRequest(Request[Any, Any, Any]):
    """Litestar's own reading is lenient, as query parameters need it and bodies must not have it."""

    @property
    def buffered_body(self) -> BufferedBody:
        """The body as the guard has it; large images in it are no part of what `json` returns."""
        scope: Scope = self.scope  # type: ignore[assignment] # the same, typed in Litestar's own way
        return BufferedBody.from_scope(scope)

    async def body(self) -> bytes:
        """Return the body without its large images; Litestar's own would keep a copy until the answer."""
        text = self.buffered_body.outline.text or await super().body()
        return cast("bytes", text)  # or a bytearray, which nobody changes

    async def json(self) -> Any:
        """Return the body, as the handler's ``data`` if it has one.

        Raises:
            ValidationException: it has another shape.
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
    """Return the refusal of a body that msgspec cannot read.

    Half of a surrogate pair is no fault by JSON's grammar, so the field that holds one is named.
    """
    if len(body) <= _MAX_SEARCHED_BYTES and b"\\u" in body:
        with contextlib.suppress(ValueError, RecursionError):
            problems = [
                {"key": field or "body", "message": m} for field, m in text_problems(json.loads(body))
            ]
            if problems:
                return ValidationException("the body is not valid", extra=problems)
    return ClientException("malformed JSON")
