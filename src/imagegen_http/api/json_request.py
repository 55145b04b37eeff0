"""Parses a JSON body strictly as its handler declares it: ``"60"`` is not a number and 1 not a boolean."""

import json
import math
from typing import Any, cast

import msgspec
from litestar import Request

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems import Problem, ProblemCode
from imagegen_core.text_problems import text_problems
from imagegen_http.asgi.types import Scope
from imagegen_http.guard import BufferedBody, Text
from imagegen_http.problems.shapes import problems_of

_MAX_DIGITS = 300
"""A longer integer is out of range, as is a number that is as large."""


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
            ValidationFailed: it does not match that type, or is not JSON.
        """
        declared = self.route_handler.parsed_data_field
        return decoded(await self.body(), declared.annotation if declared else Any)


def decoded(body: Text, declared: Any) -> Any:
    """Return what JSON holds, as the declared type.

    Raises:
        ValidationFailed: with everything that is wrong.
    """
    try:
        return msgspec.json.decode(body, type=declared)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # also what is JSON and of another type
        wrong_type = isinstance(error, msgspec.ValidationError)
        raise ValidationFailed(*_problems(body, declared if wrong_type else None)) from error


def converted(value: Any, declared: Any, *, strict: bool) -> Any:
    """Return what JSON or a form holds, as the declared type.

    Raises:
        ValidationFailed: with everything that is wrong.
    """
    try:
        return msgspec.convert(value, declared, strict=strict)
    except msgspec.ValidationError as error:
        problems = tuple(problems_of(value, declared, from_text=not strict))
        raise ValidationFailed(*problems or (_BODY_INVALID,)) from error


_BODY_INVALID = Problem(field="body", reason=ProblemCode.INVALID())


def _problems(body: Text, declared: Any) -> tuple[Problem, ...]:
    """Return what msgspec holds against a body, of which the guard lets through two megabytes at most.

    JSON's grammar allows half of a surrogate pair, so the field that has one is named.
    """
    not_json = (Problem(field="body", reason=ProblemCode.NOT_JSON()),)
    try:
        value = json.loads(body, parse_int=_integer)
    except (ValueError, RecursionError):
        return not_json
    if declared is not None:
        return tuple(problems_of(value, declared)) or (_BODY_INVALID,)
    texts = tuple(Problem(field=field or "body", reason=reason) for field, reason in text_problems(value))
    return texts or not_json


def _integer(digits: str) -> float:
    return int(digits) if len(digits) <= _MAX_DIGITS else math.inf
