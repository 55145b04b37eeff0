"""Conversion of messages and failures to and from JSON; rows of earlier versions hold only the text.

An upstream text is stored as a string. A message of our own is stored as its code and arguments together with
its English text, which remains readable for a version that no longer has the code.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs

from imagegen_core.failures import Failure, FailureCode
from imagegen_core.messages import Language, Message, MessageCode, UpstreamCode, upstream_text


def message_to_json(message: Message) -> Any:
    """Return a string, or an object with ``text``, ``code`` and ``args``."""
    text = str(message)
    return text if _is_upstreams(message) else {"text": text, **_encoded(message)}


def message_from_json(value: Any) -> Message:
    """Return the message that `message_to_json` wrote, or its text if the code is no longer known."""
    if not isinstance(value, Mapping):
        return upstream_text(str(value))
    return _decoded(value, str(value.get("text", "")))


def failure_to_json(failure: Failure) -> dict[str, Any]:
    """Return the fields, with ``message`` as text, and its code and arguments as ``reason``."""
    plain = attrs.asdict(failure, recurse=False) | {"code": str(failure.code), "message": failure.message}
    reason = plain.pop("reason")
    return plain if _is_upstreams(reason) else {**plain, "reason": _encoded(reason)}


def failure_from_json(value: Mapping[str, Any]) -> Failure:
    """Return the failure that `failure_to_json` wrote."""
    names = {field.name for field in attrs.fields(Failure)} - {"code", "reason"}
    return Failure(
        code=FailureCode(value["code"]),  # type: ignore[call-arg] # by value
        reason=_decoded(value.get("reason"), value["message"]),
        **{name: value[name] for name in names if name in value},
    )


def _is_upstreams(message: Message) -> bool:
    return message.code is UpstreamCode.UPSTREAM_TEXT


def _encoded(value: Any) -> Any:
    match value:
        case Message():
            return {
                "code": str(value.code),
                "args": {name: _encoded(item) for name, item in value.args.items()},
            }
        case tuple():
            return [_encoded(item) for item in value]
        case str():
            return str(value)
        case _:
            return value


def _decoded(value: Any, text: str) -> Message:
    try:
        message = _message(value)
        for language in Language:  # arguments that do not fit the sentence fail here, not in an answer
            message.text(language)
    except (AttributeError, LookupError, TypeError, ValueError):
        return upstream_text(text)
    return message


def _message(value: Any) -> Message:
    code = MessageCode.named(value["code"]) or _unused_code(value["code"])
    args = {str(name): _argument(item) for name, item in value["args"].items()}
    if code is None or code.placeholders != args.keys():
        raise LookupError(value["code"])
    return code(**args)


def _unused_code(name: str) -> MessageCode | None:
    """Return a code of an adapter that this process has not used; no adapter is loaded for it."""
    _load_tables()
    return MessageCode.named(name)


@cache
def _load_tables() -> None:
    package = Path(__file__).parents[1]
    for path in sorted(package.rglob("messages.py")):
        import_module(".".join((package.name, *path.relative_to(package).with_suffix("").parts)))


def _argument(value: Any) -> Any:
    match value:
        case Mapping():
            return _message(value)
        case list():
            return tuple(map(_argument, value))
        case _:
            return value
