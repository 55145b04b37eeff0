"""Parses a ``multipart/form-data`` body into its parts."""

from collections.abc import Iterator

import attrs
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems import ProblemCode
from imagegen_http.guard import Text
from imagegen_http.problems.messages import RequestProblem

_PIECE_BYTES = 256 * 1024
_MAX_PARTS = 100
_MAX_TEXT_BYTES = 1024 * 1024


@attrs.frozen(kw_only=True)
class Part:
    """One part, in the order of the body."""

    name: str
    is_file: bool
    content: bytes

    def text(self) -> str:
        """Return the content of a text field.

        Raises:
            ValidationFailed: it is not UTF-8, or longer than 1 MiB.
        """
        if len(self.content) > _MAX_TEXT_BYTES:
            raise ValidationFailed.for_field(self.name, ProblemCode.TOO_MANY_BYTES(maximum=_MAX_TEXT_BYTES))
        try:
            return self.content.decode()
        except UnicodeDecodeError as error:
            raise ValidationFailed.for_field(self.name, ProblemCode.NOT_UTF8()) from error


def read_parts(body: Text, content_type: str) -> tuple[Part, ...]:
    """Return the parts of a body.

    Raises:
        ValidationFailed: the body is malformed or truncated, or has more than 100 parts.
    """
    _, options = parse_options_header(content_type)
    try:
        return tuple(_parts(body, options["boundary"]))
    except KeyError as error:
        raise ValidationFailed.for_field("body", RequestProblem.NO_BOUNDARY()) from error
    except MultipartError as error:
        raise ValidationFailed.for_field("body", RequestProblem.NOT_A_FORM()) from error


def _parts(body: Text, boundary: str) -> Iterator[Part]:
    with PushMultipartParser(boundary, max_segment_count=_MAX_PARTS) as parser:
        segment: MultipartSegment | None = None
        content: list[bytes | bytearray] = []
        for start in range(0, len(body), _PIECE_BYTES):
            for event in parser.parse(bytes(body[start : start + _PIECE_BYTES])):
                if isinstance(event, MultipartSegment):
                    segment, content = event, []
                elif event:
                    content.append(event)
                elif segment is not None:
                    yield Part(
                        name=segment.name or "",
                        is_file=segment.filename is not None,
                        content=b"".join(content),
                    )
