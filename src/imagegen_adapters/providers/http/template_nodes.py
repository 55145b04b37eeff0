"""What a parsed template is made of: each node renders itself in a scope, None for nothing."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import attrs

from imagegen_adapters.providers.http.inputs import FilePart, InputPart

_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]")


class Node(Protocol):
    """A part of a template."""

    def render(self, scope: Mapping[str, Any]) -> Any:
        """Return the data with all placeholders filled in."""
        ...


def look_up(path: str, scope: Mapping[str, Any]) -> Any:
    """Return what a dotted path names in ``scope``, or None."""
    value: Any = scope
    for key, index in _STEP.findall(path):
        if index:
            position = int(index)
            value = value[position] if isinstance(value, list | tuple) and position < len(value) else None
        elif isinstance(value, InputPart):
            value = value.field(key)
        else:
            value = value.get(key) if isinstance(value, Mapping) else None
    return value


def as_text(value: Any) -> str:
    """Return a scalar as it is written in text, a query or a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@attrs.frozen
class Constant:
    """Data without placeholders."""

    value: Any

    def render(self, scope: Mapping[str, Any]) -> Any:
        return self.value


@attrs.frozen
class Value:
    """Exactly one placeholder; its type survives."""

    path: str

    def render(self, scope: Mapping[str, Any]) -> Any:
        return look_up(self.path, scope)


@attrs.frozen
class Text:
    """Placeholders within text; null as soon as one of them is."""

    parts: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        values = [part.render(scope) for part in self.parts]
        return None if any(v is None for v in values) else "".join(map(as_text, values))


@attrs.frozen
class Object:
    """An object; keys that come out null are left out, and so is an object that lost all its keys."""

    entries: tuple[tuple[str, Node], ...]
    spread: "Spread | None"

    def render(self, scope: Mapping[str, Any]) -> Any:
        made = {key: value for key, node in self.entries if (value := node.render(scope)) is not None}
        if self.spread is not None:
            made |= self.spread.render(scope)
        return made if made or not (self.entries or self.spread) else None


@attrs.frozen
class Spread:
    """``$spread``."""

    each: str
    key: Node
    value: Node

    def render(self, scope: Mapping[str, Any]) -> dict[str, Any]:
        pairs = ((self.key.render(s), self.value.render(s)) for s in _scopes(self.each, scope))
        return {as_text(key): value for key, value in pairs if key is not None and value is not None}


@attrs.frozen
class Items:
    """A list; nulls are left out."""

    nodes: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        return [value for node in self.nodes if (value := node.render(scope)) is not None]


@attrs.frozen
class Each:
    """``$each``."""

    each: str
    item: Node
    single_as_scalar: bool
    omit_empty: bool

    def render(self, scope: Mapping[str, Any]) -> Any:
        made = [v for s in _scopes(self.each, scope) if (v := self.item.render(s)) is not None]
        if self.single_as_scalar and len(made) == 1:
            return made[0]
        return None if self.omit_empty and not made else made


@attrs.frozen
class Concat:
    """``$concat``."""

    nodes: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        joined: list[Any] = []
        for value in (node.render(scope) for node in self.nodes):
            if isinstance(value, list):
                joined += value
            elif value is not None:
                joined.append(value)
        return joined


@attrs.frozen
class File:
    """``$file_of``, and ``$file`` within ``$each``."""

    path: str

    def render(self, scope: Mapping[str, Any]) -> Any:
        part = look_up(self.path, scope)
        return FilePart(part) if isinstance(part, InputPart) else None


@attrs.frozen
class If:
    """``$if``."""

    path: str
    then: Node
    otherwise: Node

    def render(self, scope: Mapping[str, Any]) -> Any:
        found = look_up(self.path, scope)
        empty = found is None or found is False or found in ("", [], (), {})
        return (self.otherwise if empty else self.then).render(scope)


@attrs.frozen
class Default:
    """``$default``."""

    nodes: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any]) -> Any:
        return next((v for node in self.nodes if (v := node.render(scope)) is not None), None)


@attrs.frozen
class Map:
    """``$map``."""

    value: Node
    table: Mapping[str, Node]

    def render(self, scope: Mapping[str, Any]) -> Any:
        value = self.value.render(scope)
        if value is None:
            return None
        listed = self.table.get(as_text(value))
        return value if listed is None else listed.render(scope)


NULL = Constant(None)


def _scopes(path: str, scope: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found = look_up(path, scope)
    for item in found if isinstance(found, list | tuple) else ():
        yield {**scope, "item": item}
