"""Expressions that read a provider's response: JMESPath, compiled when the document is loaded.

In addition to JMESPath there are ``header:Name``, the value of a response header, and ``$.path``, which
starts at the whole response where an expression otherwise starts at one of its items. Both may be
alternatives in ``a || b``.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs
import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_core.problems.fields import ProblemCode

MAX_EXPRESSION_CHARS = 4096

_HEADER = re.compile(r"header:([A-Za-z0-9!#$%&'*+.^_`|~-]+)")
_FUNCTIONS = frozenset(Functions.FUNCTION_TABLE)
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_INTERPRETER = TreeInterpreter()
"""Serves all expressions: the one that JMESPath makes for each search is a cycle of nine objects."""


@attrs.frozen
class Expression:
    """One compiled expression; equal texts are equal expressions."""

    text: str
    _alternatives: tuple["_Alternative", ...] = attrs.field(eq=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> "Expression":
        """Return the compiled expression.

        Raises:
            Malformed: it is no expression, or calls a function that JMESPath does not have.
        """
        if len(text) > MAX_EXPRESSION_CHARS:
            raise Malformed(ProblemCode.TOO_LONG(maximum=MAX_EXPRESSION_CHARS))
        parts = text.split("||") if "header:" in text or "$." in text else [text]
        return cls(text, tuple(_parse_alternative(part.strip()) for part in parts))

    @property
    def headers(self) -> tuple[str, ...]:
        """The names of the response headers that it reads, in lower case."""
        return tuple(a.header for a in self._alternatives if a.header is not None)

    def search(self, item: Any, *, root: Any = None, headers: Mapping[str, str] = _NO_HEADERS) -> Any:
        """Return what the expression finds in ``item``, or None.

        ``root`` is the whole response, ``headers`` are its headers by lower-case name. A JMESPath type error
        gives None: a response may have any shape.
        """
        for alternative in self._alternatives:
            value = alternative.search(item, root if root is not None else item, headers)
            if not _is_falsy(value):
                return value
        return value

    def search_text(
        self, item: Any, *, root: Any = None, headers: Mapping[str, str] = _NO_HEADERS
    ) -> str | None:
        """Return the scalar that it finds as text; None for nothing, a list or an object."""
        value = self.search(item, root=root, headers=headers)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else None

    def holds(self, item: Any, *, root: Any = None, headers: Mapping[str, str] = _NO_HEADERS) -> bool:
        """Return whether it finds something that is true in the sense of JMESPath."""
        return not _is_falsy(self.search(item, root=root, headers=headers))


@attrs.frozen(kw_only=True)
class _Alternative:
    header: str | None = None
    tree: Any = None
    from_root: bool = False

    def search(self, item: Any, root: Any, headers: Mapping[str, str]) -> Any:
        if self.header is not None:
            return headers.get(self.header)
        try:
            return _INTERPRETER.visit(self.tree, root if self.from_root else item)
        except (JMESPathError, RecursionError):
            return None


def _parse_alternative(text: str) -> _Alternative:
    header = _HEADER.fullmatch(text)
    if header:
        return _Alternative(header=header[1].lower())
    from_root = text.startswith("$.")
    try:
        tree = jmespath.compile(text.removeprefix("$.")).parsed
    except (JMESPathError, RecursionError) as error:
        detail = str(error).partition("\n")[0]
        raise Malformed(DocumentCode.NOT_JMESPATH(detail=detail)) from error
    for name in _called_functions(tree):
        if name not in _FUNCTIONS:
            raise Malformed(DocumentCode.NO_SUCH_FUNCTION(name=name))
    return _Alternative(tree=tree, from_root=from_root)


def _called_functions(node: Any) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict) and "type" in child:
            yield from _called_functions(child)


def _is_falsy(value: Any) -> bool:
    return value is None or value is False or (isinstance(value, str | list | dict) and not value)
