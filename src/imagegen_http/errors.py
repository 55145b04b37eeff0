"""The table of errors, and sentences about what the core does not see."""

import errno
import pwd
from collections.abc import Iterator, Mapping
from typing import Any

import attrs

from imagegen_core.errors import FailureCode, Refusal
from imagegen_core.messages import Language, Message, MessageCode, Problem, ProblemCode, as_message, words_of


class RequestProblem(MessageCode, words="imagegen_http"):
    """Rules of the HTTP API; each sentence goes on after the field's name."""


class ServiceCode(MessageCode, words="imagegen_http"):
    """Why the service does not do something, or not now."""


class SystemCode(MessageCode, words="imagegen_http"):
    """The common errors; the system's own words are English wherever the locale is not installed."""


_CODES = {
    errno.ENOENT: SystemCode.NO_SUCH_FILE,
    errno.EACCES: SystemCode.PERMISSION_DENIED,
    errno.EPERM: SystemCode.PERMISSION_DENIED,
    errno.EISDIR: SystemCode.IS_A_DIRECTORY,
    errno.ENOTDIR: SystemCode.NOT_A_DIRECTORY,
    errno.EEXIST: SystemCode.FILE_EXISTS,
    errno.EROFS: SystemCode.READ_ONLY,
    errno.ENOSPC: SystemCode.NO_SPACE_LEFT,
    errno.EDQUOT: SystemCode.QUOTA_EXCEEDED,
    errno.ENAMETOOLONG: SystemCode.NAME_TOO_LONG,
    errno.EADDRINUSE: SystemCode.ADDRESS_IN_USE,
    errno.EADDRNOTAVAIL: SystemCode.ADDRESS_NOT_HERE,
    errno.EIO: SystemCode.IO_ERROR,
}


def system_reason(error: OSError) -> Message:
    """Return why the operating system refuses; rare reasons are in its own words."""
    code = _CODES.get(error.errno or 0)
    return as_message(error.strerror or type(error).__name__) if code is None else code()


def user_name(uid: int) -> str:
    """Return a user's name, or ``user <uid>`` if it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def read_problem(error: OSError | ValueError) -> Message:
    return system_reason(error) if isinstance(error, OSError) else ProblemCode.NOT_UTF8()


@attrs.frozen
class Row:
    """An error of the API; ``code // 100`` is its HTTP status. A hint is for callers who can act on it."""

    code: int
    en: str
    zh: str
    hint_en: str | None = None
    hint_zh: str | None = None


_HTTP_CODES = {
    "unauthorized": 40101,
    "forbidden_origin": 40301,
    "not_found": 40400,
    "method_not_allowed": 40500,
    "body_too_large": 41300,
    "unsupported_media_type": 41500,
    "internal": 50000,
}
"""Codes that only HTTP refuses with."""


def _codes(kind: type[Refusal]) -> Iterator[tuple[str, int]]:
    if "code" in vars(kind):
        yield kind.slug, kind.code
    for each in kind.__subclasses__():
        yield from _codes(each)


_WORDS = {**words_of("imagegen_core")["Refusal"], **words_of("imagegen_http")["Refusal"]}
_CODES_OF_SLUGS = sorted({**_HTTP_CODES, **dict(_codes(Refusal))}.items(), key=lambda row: row[1])
TABLE: Mapping[str, Row] = {slug: Row(code, *_WORDS[slug]) for slug, code in _CODES_OF_SLUGS}
"""Errors by slug, in the order of their codes."""

_COMPLETE_REASONS = frozenset(
    {
        "provider_unusable",
        "provider_disabled",
        "preset_ended",
        "image_not_stored",
        "image_refused",
        "image_too_large",
        "response_unreadable",
    }
)
"""Reasons that already say what the failure's code means."""


def failure_sentence(code: FailureCode, reason: Message, language: Language) -> str:
    """Return what a failed task's code means, and its reason, saying nothing twice."""
    text = reason.text(language)
    cause = reason.args["reason"] if str(reason.code) == "answer_kept" else reason
    if str(cause.code) in _COMPLETE_REASONS:
        return text
    meaning, colon = (code.en, ": ") if language is Language.EN else (code.zh, "：")
    return f"{meaning}{colon}{text}" if text else meaning


def envelope(
    slug: str, data: dict[str, Any], *, language: Language, request_id: str
) -> tuple[int, dict[str, Any]]:
    """Return HTTP status and body; messages and problems in ``data`` become text."""
    row = TABLE[slug]
    message, hint = (row.en, row.hint_en) if language is Language.EN else (row.zh, row.hint_zh)
    body: dict[str, Any] = {"error": slug, "request_id": request_id}
    if hint:
        body["hint"] = hint
    body |= {name: _localized(value, language) for name, value in data.items()}
    return row.code // 100, {"code": row.code, "message": message, "data": body}


def _localized(value: Any, language: Language) -> Any:
    match value:
        case Message():
            return value.text(language)
        case Problem(field=field, reason=reason, line=line, column=column):
            place = {} if line is None else {"line": line, "column": column}
            return {"field": field, "code": str(reason.code), "message": reason.text(language), **place}
        case tuple():
            return [_localized(item, language) for item in value]
        case _:
            return value
