"""Messages: a code and arguments, which become text once, in the reader's language.

``ProblemCode.TOO_LONG(maximum=64)`` is a message. Text of others, such as a provider's, is an argument, or a
whole message by `upstream_text`.
"""

import json
import string
import sys
from collections.abc import Callable, Iterable, Mapping
from enum import Enum, EnumMeta, StrEnum
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs

from imagegen_core.values import valid_text


class Language(StrEnum):
    """The languages that every message has."""

    EN = "en"
    ZH = "zh"

    @property
    def tag(self) -> str:
        """Its name in HTML and ``Content-Language`` (BCP 47)."""
        return "en" if self is Language.EN else "zh-CN"


Argument: TypeAlias = "str | float | Message | tuple[Argument, ...]"
"""Text stays as it is in every language; a message is rendered, and a tuple is listed."""


@cache
def words_of(package: str) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables in a package's ``words.json``; each row is English, then Chinese."""
    folder = Path(sys.modules[package].__file__ or "").parent
    tables: dict[str, dict[str, Any]] = json.loads((folder / "words.json").read_bytes())
    return tables


_Code = TypeVar("_Code")


class _TableType(EnumMeta):
    """Reads a table's rows from a package's ``words.json``."""

    def __new__(
        metacls, name: str, bases: tuple[type, ...], namespace: Any, words: str | None = None, **options: Any
    ) -> Any:
        if words is not None:
            namespace.update({code: tuple(row) for code, row in words_of(words)[name].items()})
        return super().__new__(metacls, name, bases, namespace, **options)

    if TYPE_CHECKING:  # a test compares the names in use with the rows

        def __getattr__(cls: type[_Code], name: str) -> _Code: ...


class MessageCode(Enum, metaclass=_TableType):
    """The base of every table of messages.

    A row is ``NAME = "English template", "Chinese template"``, both with the same `str.format` placeholders.
    The code is the name in lower case; it is unique to one table and never changes. With ``words="package"``
    the rows are in that package's ``words.json``.
    """

    def __init__(self, en: str, zh: str) -> None:
        self.en = en
        self.zh = zh

    def __str__(self) -> str:
        return self.name.lower()

    def __call__(self, **args: Argument) -> "Message":
        return Message(code=self, args=args)

    @classmethod
    def named(cls, code: str) -> "MessageCode | None":
        """Return the member with this code in any table that is loaded."""
        tables = (table.__members__ for table in cls.__subclasses__())
        return next((table[code.upper()] for table in tables if code.upper() in table), None)

    @cached_property
    def placeholders(self) -> frozenset[str]:
        return frozenset(name for _, name, _, _ in string.Formatter().parse(self.en) if name)


class UpstreamCode(MessageCode, words="imagegen_core"):
    """Words of others, shown as they are."""


def _valid_args(args: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({name: _mapped(value, valid_text) for name, value in args.items()})


@attrs.frozen(kw_only=True, repr=False)
class Message:
    """A code and its templates' arguments; every text in them is made valid."""

    code: MessageCode
    args: Mapping[str, Any] = attrs.field(factory=dict, converter=_valid_args, hash=False)

    def text(self, language: Language) -> str:
        template = self.code.en if language is Language.EN else self.code.zh
        return _FORMATTERS[language].vformat(template, (), self.args)

    def map_text(self, change: Callable[[str], str]) -> "Message":
        """Apply ``change``, such as a redactor, to every text among the arguments."""
        return Message(code=self.code, args={n: _mapped(value, change) for n, value in self.args.items()})

    def __str__(self) -> str:
        return self.text(Language.EN)

    def __repr__(self) -> str:
        args = ", ".join(f"{name}={value!r}" for name, value in self.args.items())
        return f"{type(self.code).__name__}.{self.code.name}({args})"


def upstream_text(text: str) -> Message:
    return UpstreamCode.UPSTREAM_TEXT(text=text)


def as_message(words: Message | str) -> Message:
    """Return a message; a bare text is others' words. An attrs converter."""
    return upstream_text(words) if isinstance(words, str) else words


def as_messages(words: Iterable[Message | str]) -> tuple[Message, ...]:
    return tuple(map(as_message, words))


class _Formatter(string.Formatter):
    """Renders messages in one language, and lists tuples: ``{names}``, ``{types:or}``, ``{problems:;}``."""

    def __init__(self, language: Language, *, none: str, separators: Mapping[str, str]) -> None:
        self._language, self._none, self._separators = language, none, separators

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, Message):
            return value.text(self._language)
        if isinstance(value, tuple):
            listed = (self.format_field(item, "") for item in value)
            return self._separators[format_spec].join(listed) or self._none
        if isinstance(value, float) and not format_spec:
            format_spec = ".15g"
        return format(value, format_spec)


_FORMATTERS = {
    Language.EN: _Formatter(Language.EN, none="none", separators={"": ", ", "or": " or ", ";": "; "}),
    Language.ZH: _Formatter(Language.ZH, none="无", separators={"": "、", "or": "或", ";": "；"}),
}


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Message):
        return value.map_text(change)
    if isinstance(value, tuple):
        return tuple(_mapped(item, change) for item in value)
    return change(value) if isinstance(value, str) and not isinstance(value, StrEnum) else value


@attrs.frozen
class Problem:
    """One thing wrong with a request, the dotted path of its field, and its place in a text, from 1."""

    field: str
    reason: Message
    line: int | None = None
    column: int | None = None

    @property
    def message(self) -> str:
        """In English; see `Message.text` of ``reason``."""
        return self.reason.text(Language.EN)


class JsonType(MessageCode, words="imagegen_core"):
    """What a value must be."""


class ProblemCode(MessageCode, words="imagegen_core"):
    """What can be wrong with a field; each sentence follows the field's name."""


def range_problem(
    number: float, *, minimum: float | None = None, maximum: float | None = None
) -> Message | None:
    if minimum is not None and not number >= minimum:  # so that NaN is refused, too
        return ProblemCode.TOO_SMALL(minimum=minimum)
    if maximum is not None and number > maximum:
        return ProblemCode.TOO_LARGE(maximum=maximum)
    return None


class RefusalCode(MessageCode, words="imagegen_core"):
    """Why a request was refused, or cannot be served now."""


class StorageCode(MessageCode, words="imagegen_core"):
    """Why a store failed, or a task's state forbids a change."""


class FailureReason(MessageCode, words="imagegen_core"):
    """Why a task or a call failed, in words of this service, not a provider's."""


class WarningCode(MessageCode, words="imagegen_core"):
    """Warnings about a task or a configuration that works all the same."""


class WebhookCode(MessageCode, words="imagegen_core"):
    """What became of a try to deliver a webhook, and why an endpoint was switched off."""
