"""Where a fact about a provider was read, and when."""

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import attrs

from imagegen_core.errors import ValidationFailed
from imagegen_core.problems.fields import JsonType, ProblemCode
from imagegen_core.providers.unknown_keys import unknown_key


class Witness(StrEnum):
    """Who says it: the provider itself, others that pass its calls on, or only notes of this project."""

    PROVIDER = "provider"
    RELAY = "relay"
    NOTES = "notes"


@attrs.frozen(kw_only=True)
class Source:
    """A page and the day on which it was read; ``note`` says what it could not confirm."""

    url: str
    read: dt.date
    by: Witness = Witness.PROVIDER
    note: str = ""


def parse_source(data: Any, path: str) -> Source:
    """Return a source from plain values.

    Raises:
        ValidationFailed: with the path of what is wrong.
    """
    fields = parse_fields(data, path, required=("url", "read"), optional=("by", "note"))
    by = fields.get("by", Witness.PROVIDER)
    if by not in tuple(Witness):
        choices = tuple(str(witness) for witness in Witness)
        raise ValidationFailed.for_field(f"{path}.by", ProblemCode.NOT_ONE_OF(choices=choices))
    return Source(
        url=_url(fields["url"], f"{path}.url"),
        read=parse_date(fields["read"], f"{path}.read"),
        by=Witness(by),
        note=parse_text(fields.get("note", ""), f"{path}.note"),
    )


def parse_date(data: Any, path: str) -> dt.date:
    """Return a day, from ``YYYY-MM-DD``.

    Raises:
        ValidationFailed: it is none.
    """
    try:
        return dt.date.fromisoformat(data)
    except (TypeError, ValueError) as error:
        raise ValidationFailed.for_field(path, ProblemCode.NOT_A_DATE()) from error


def parse_text(data: Any, path: str) -> str:
    """Return a text.

    Raises:
        ValidationFailed: it is none.
    """
    if not isinstance(data, str):
        raise ValidationFailed.for_field(path, ProblemCode.WRONG_TYPE(types=(JsonType.STRING(),)))
    return data


def parse_fields(
    data: Any, path: str, *, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """Return an object that has all the required fields and no unknown one.

    Raises:
        ValidationFailed: with the path of what is wrong.
    """
    if not isinstance(data, Mapping):
        raise ValidationFailed.for_field(path, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
    names = (*required, *optional)
    for name in data:
        if name not in names:
            raise ValidationFailed.for_field(f"{path}.{name}", unknown_key(str(name), names))
    for name in required:
        if data.get(name) is None:
            raise ValidationFailed.for_field(f"{path}.{name}", ProblemCode.REQUIRED())
    return data


def _url(data: Any, path: str) -> str:
    url = parse_text(data, path)
    if not url.startswith(("https://", "http://")):
        raise ValidationFailed.for_field(path, ProblemCode.NOT_HTTP())
    return url
