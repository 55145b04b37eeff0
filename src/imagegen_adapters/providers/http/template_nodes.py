"""The nodes of a parsed template: each renders itself in a scope; None means that it is absent."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import attrs

from imagegen_adapters.providers.http.budgets import Budget
from imagegen_adapters.providers.http.inputs import FilePart, InputPart

_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]")


class Node(Protocol):
    """A part of a template."""

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        """Return the data with all placeholders filled in.

        Raises:
            OverBudget: it would be too large.
        """
        ...


def look_up(path: str, scope: Mapping[str, Any]) -> Any:
    """Return the value of a dotted path in ``scope``, or None."""
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

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        budget.spend_tree(self.value)
        return self.value


@attrs.frozen
class Value:
    """A single placeholder; its value keeps its type."""

    path: str

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        value = look_up(self.path, scope)
        budget.spend_tree(value)
        return value


@attrs.frozen
class Text:
    """Placeholders within text; null if any of them is."""

    parts: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        values = [part.render(scope, budget) for part in self.parts]
        return None if any(v is None for v in values) else "".join(map(as_text, values))


@attrs.frozen
class Object:
    """An object; null values are omitted, and so is an object that lost all its keys."""

    entries: tuple[tuple[str, Node], ...]
    spread: "Spread | None"

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        budget.spend(len(self.entries), chars=sum(len(key) for key, _ in self.entries))
        rendered = {
            key: value for key, node in self.entries if (value := node.render(scope, budget)) is not None
        }
        if self.spread is not None:
            rendered |= self.spread.render(scope, budget)
        return rendered if rendered or not (self.entries or self.spread) else None


@attrs.frozen
class Spread:
    """``$spread``."""

    each: str
    key: Node
    value: Node

    def render(self, scope: Mapping[str, Any], budget: Budget) -> dict[str, Any]:
        pairs = (
            (self.key.render(s, budget), self.value.render(s, budget))
            for s in _scopes(self.each, scope, budget)
        )
        return {as_text(key): value for key, value in pairs if key is not None and value is not None}


@attrs.frozen
class Items:
    """A list; nulls are omitted."""

    nodes: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        budget.spend(len(self.nodes))
        return [value for node in self.nodes if (value := node.render(scope, budget)) is not None]


@attrs.frozen
class Each:
    """``$each``."""

    each: str
    item: Node
    single_as_scalar: bool
    omit_empty: bool

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        rendered = [
            v for s in _scopes(self.each, scope, budget) if (v := self.item.render(s, budget)) is not None
        ]
        if self.single_as_scalar and len(rendered) == 1:
            return rendered[0]
        return None if self.omit_empty and not rendered else rendered


@attrs.frozen
class Concat:
    """``$concat``."""

    nodes: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        joined: list[Any] = []
        budget.spend(len(self.nodes))
        for value in (node.render(scope, budget) for node in self.nodes):
            if isinstance(value, list):
                joined += value
            elif value is not None:
                joined.append(value)
        return joined


@attrs.frozen
class File:
    """``$file_of``, and ``$file`` within ``$each``."""

    path: str

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        budget.spend()
        part = look_up(self.path, scope)
        return FilePart(part) if isinstance(part, InputPart) else None


@attrs.frozen
class If:
    """``$if``."""

    path: str
    if_set: Node
    if_empty: Node

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        budget.spend()
        value = look_up(self.path, scope)
        is_empty = value is None or value is False or value in ("", [], (), {})
        return (self.if_empty if is_empty else self.if_set).render(scope, budget)


@attrs.frozen
class Default:
    """``$default``."""

    nodes: tuple[Node, ...]

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        budget.spend(len(self.nodes))
        return next((v for node in self.nodes if (v := node.render(scope, budget)) is not None), None)


@attrs.frozen
class Map:
    """``$map``."""

    value: Node
    table: Mapping[str, Node]

    def render(self, scope: Mapping[str, Any], budget: Budget) -> Any:
        value = self.value.render(scope, budget)
        if value is None:
            return None
        replacement = self.table.get(as_text(value))
        return value if replacement is None else replacement.render(scope, budget)


NULL = Constant(None)


def _scopes(path: str, scope: Mapping[str, Any], budget: Budget) -> Iterator[Mapping[str, Any]]:
    items = look_up(path, scope)
    for item in items if isinstance(items, list | tuple) else ():
        budget.spend()
        yield {**scope, "item": item}
