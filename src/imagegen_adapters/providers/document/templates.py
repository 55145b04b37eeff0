"""The template language of a document: data with ``${placeholders}`` and directives, never code.

``docs/reference/provider-documents.md`` lists the directives. A string that is exactly ``${path}`` keeps the
type of its value. A null removes its key; an object that lost all its keys is removed likewise.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

import attrs

from imagegen_adapters.providers.common.images import BodyImage, InputPart
from imagegen_adapters.providers.document.expressions import Budget, DocumentCode, Malformed, OverBudget, Path
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import JsonType, ProblemCode

PROSE = ("prompt", "negative_prompt")  # what people write, and may be anything
# Parameters that have a name of their own beside ``params.name``
OPTIONS = ("image_size", "steps", "cfg_scale", "upscale_factor", "edit_mode", "mode")
# What a path may start with; inside ``$each`` there is also ``item``
ROOTS = frozenset(
    (
        *PROSE,
        *OPTIONS,
        *("model", "n", "seed", "random_seed", "width", "height", "size", "aspect_ratio", "stream"),
        *("refs", "image", "images", "mask", "params", "model_vars", "vars", "task"),
        *("base_url", "request_uuid"),
    )
)
_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")  # stops at any brace, so that matching takes linear time
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*|\[\d{1,3}\])*")
_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]")
_STEP_END = re.compile(r"[.\[]|$")
_IMAGES = frozenset(("refs", "image", "images", "mask", "item"))
_IMAGE_FIELDS = frozenset(("base64", "data_uri", "mime", "filename", "index", "suffix", "width", "height"))
_EMBEDDED_FIELDS = frozenset(("base64", "data_uri"))
_MAX_DEPTH = 40
_MAX_STEPS = 16  # of a name, by which it is found
_MAX_NAME_CHARS = 200

Scope = Mapping[str, Any]
Node = Callable[
    [Scope, Budget], Any
]  # renders a part; None if it is absent; too large a whole is `OverBudget`


@attrs.frozen
class Template:
    """A parsed template; ``names`` has the first place of each path (``params.quality``) in it."""

    source: Any
    names: Mapping[str, Path] = attrs.field(eq=False, repr=False)
    _render: Node = attrs.field(eq=False, repr=False)
    _prefixes: frozenset[str] = attrs.field(eq=False, repr=False)  # of the names, and they themselves

    @classmethod
    def parse(cls, source: Any) -> "Template":
        parser = _Parser()
        render = parser.node(source, ())
        ends = ((name, end) for name in parser.names for end in islice(_STEP_END.finditer(name), _MAX_STEPS))
        prefixes = (name[: end.start()] for name, end in ends)
        return cls(source, parser.names, render, frozenset((*parser.names, *prefixes)))

    def render(self, scope: Scope, budget: Budget) -> Any:
        """Return the data with all placeholders filled in, None if nothing remains."""
        try:
            return self._render(scope, budget)
        except OverBudget as error:
            reason = DocumentCode.DOCUMENT_REQUEST_TOO_LARGE()
            raise CallError(FailureCode.REJECTED, reason, possible_charge=False) from error

    def mentions(self, name: str) -> bool:
        """Return whether it uses ``name`` or anything below it."""
        return name in self._prefixes


def as_text(value: Any) -> str:
    """Return a scalar as it is written in text, a query or a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _look_up(path: str, scope: Scope) -> Any:
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


def _scopes(path: str, scope: Scope, budget: Budget) -> Iterator[Scope]:
    """Yield a scope for each image of a list."""
    items = _look_up(path, scope)
    for item in items if isinstance(items, list | tuple) else ():
        budget.spend()
        yield {**scope, "item": item}


# What each part of a template renders


def _constant(value: Any, _scope: Scope, budget: Budget) -> Any:
    budget.spend_tree(value)
    return value


def _value(path: str, scope: Scope, budget: Budget) -> Any:
    return _constant(_look_up(path, scope), scope, budget)


def _text(parts: Sequence[Node], scope: Scope, budget: Budget) -> str | None:
    values = [part(scope, budget) for part in parts]
    return None if any(v is None for v in values) else "".join(map(as_text, values))


def _list(items: Sequence[Node], scope: Scope, budget: Budget) -> list[Any]:
    budget.spend(len(items))
    return [value for item in items if (value := item(scope, budget)) is not None]


def _object(fields: Mapping[str, Node], scope: Scope, budget: Budget) -> dict[str, Any] | None:
    budget.spend(len(fields), chars=sum(map(len, fields)))
    rendered = {name: v for name, field in fields.items() if (v := field(scope, budget)) is not None}
    rendered |= rendered.pop("$spread", {})
    return rendered if rendered or not fields else None


def _each(options: Mapping[str, Any], scope: Scope, budget: Budget) -> Any:
    scopes = _scopes(options["$each"], scope, budget)
    rendered = [value for s in scopes if (value := options["$item"](s, budget)) is not None]
    if options["$single_as_scalar"] and len(rendered) == 1:
        return rendered[0]
    return None if options["$omit_empty"] and not rendered else rendered


def _spread(options: Mapping[str, Any], scope: Scope, budget: Budget) -> Any:
    scopes = _scopes(options["$each"], scope, budget)
    pairs = [[options[name](s, budget) for name in ("$key", "$value")] for s in scopes]
    return {as_text(key): value for key, value in pairs if key is not None and value is not None}


def _concat(options: Mapping[str, Any], scope: Scope, budget: Budget) -> Any:
    items: list[Any] = []
    for value in _list(options["$concat"], scope, budget):
        items += value if isinstance(value, list) else [value]
    return items


def _file_of(options: Mapping[str, Any], scope: Scope, budget: Budget) -> Any:
    budget.spend()
    part = _look_up(options["$file_of"], scope)
    return BodyImage(part) if isinstance(part, InputPart) else None


def _if(options: Mapping[str, Any], scope: Scope, budget: Budget) -> Any:
    budget.spend()
    value = _look_up(options["$if"], scope)
    is_empty = value is None or value is False or value in ("", [], (), {})
    return options["$else" if is_empty else "$then"](scope, budget)


def _default(options: Mapping[str, Any], scope: Scope, budget: Budget) -> Any:
    budget.spend(len(options["$default"]))
    values = (node(scope, budget) for node in options["$default"])
    return next((value for value in values if value is not None), None)


def _map(options: Mapping[str, Any], scope: Scope, budget: Budget) -> Any:
    value = options["$map"](scope, budget)
    if value is None or (key := as_text(value)) not in options["$to"]:
        return value
    return options["$to"][key](scope, budget)


# From data to nodes


class _Parser:
    """Parses one template; ``names`` maps each name that it mentions to the place of the first mention."""

    def __init__(self) -> None:
        self._in_each = False
        self.names: dict[str, Path] = {}

    def node(self, source: Any, path: Path) -> Node:
        if len(path) > _MAX_DEPTH:
            raise Malformed(ProblemCode.TOO_DEEP(), path[:3])
        if isinstance(source, str):
            return self._text(source, path)
        if isinstance(source, Mapping):
            return self._mapping(source, path)
        if isinstance(source, list | tuple):
            return partial(_list, self.nodes(source, path))
        if source is None or isinstance(source, bool | int | float):
            return partial(_constant, source)
        raise Malformed(ProblemCode.NOT_JSON(), path)

    def nodes(self, source: Any, path: Path) -> list[Node]:
        if not isinstance(source, list | tuple):
            raise Malformed(ProblemCode.WRONG_TYPE(types=(JsonType.ARRAY(),)), path)
        return [self.node(item, (*path, str(i))) for i, item in enumerate(source)]

    def table(self, source: Any, path: Path) -> dict[str, Node]:
        if not isinstance(source, Mapping):
            raise Malformed(ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)), path)
        return {as_text(key): self.node(value, (*path, str(key))) for key, value in source.items()}

    def item(self, source: Any, path: Path) -> Node:
        """Parse what is repeated for each image, where ``item`` is a name."""
        outer, self._in_each = self._in_each, True
        node = self.node(source, path)
        self._in_each = outer
        return node

    def path(self, source: Any, path: Path) -> str:
        if not isinstance(source, str):
            raise Malformed(DocumentCode.NOT_A_NAME_OF_A_LIST(), path)
        return self._name(source.removeprefix("${").removesuffix("}"), path)

    def _text(self, source: str, path: Path) -> Node:
        pieces = _PLACEHOLDER.split(source)  # every second one is a name
        if len(pieces) == 1:
            return partial(_constant, source)
        if any("${" in text for text in pieces[:-1:2]):
            raise Malformed(DocumentCode.UNFINISHED_PLACEHOLDER(), path)
        alone = pieces[::2] == ["", ""]
        parts: list[Node] = [partial(_constant, piece) for piece in pieces]
        for position in range(1, len(pieces), 2):
            parts[position] = partial(_value, self._name(pieces[position], path, alone=alone))
        return parts[1] if alone else partial(_text, parts)

    def _name(self, text: str, path: Path, *, alone: bool = True) -> str:
        name = text.strip()
        if len(name) > _MAX_NAME_CHARS or not _PATH.fullmatch(name):
            raise Malformed(DocumentCode.NOT_A_VARIABLE_PATH(name=name[:_MAX_NAME_CHARS]), path)
        root, field = re.split(r"[.\[]", name, maxsplit=1)[0], name.rpartition(".")[2]
        if root not in ROOTS and not (root == "item" and self._in_each):
            raise Malformed(DocumentCode.NO_SUCH_VARIABLE(name=name), path)
        if root in _IMAGES and "." in name:
            if field not in _IMAGE_FIELDS:
                fields = tuple(sorted(_IMAGE_FIELDS))
                raise Malformed(DocumentCode.NO_SUCH_IMAGE_FIELD(name=name, field=field, known=fields), path)
            if field in _EMBEDDED_FIELDS and not alone:
                raise Malformed(DocumentCode.MUST_STAND_ALONE(name=name), path)
        self.names.setdefault(name, path)
        return name

    def _mapping(self, source: Mapping[Any, Any], path: Path) -> Node:
        keys = [key for key in source if isinstance(key, str) and key.startswith("$") and key != "$spread"]
        if not keys:
            return self._object(source, path)
        name = next((key for key in keys if key in _DIRECTIVES), None)
        if name is None:
            raise Malformed(DocumentCode.NOT_A_DIRECTIVE(), (*path, keys[0]))
        for key in source:
            if key not in _DIRECTIVES[name][1]:
                raise Malformed(DocumentCode.NOT_AN_OPTION(directive=name), (*path, str(key)))
        if name == "$each":
            if ("$item" in source) == ("$file" in source):
                raise Malformed(DocumentCode.ITEM_OR_FILE(), path)
            source = source if "$item" in source else {**source, "$item": {"$file_of": "item"}}
        return self._directive(name, source, path)

    def _object(self, source: Mapping[Any, Any], path: Path) -> Node:
        fields = {str(k): self.node(v, (*path, str(k))) for k, v in source.items() if k != "$spread"}
        if "$spread" in source:
            spread, path = source["$spread"], (*path, "$spread")
            if not isinstance(spread, Mapping) or set(spread) != {"$each", "$key", "$value"}:
                raise Malformed(DocumentCode.NOT_A_SPREAD(), path)
            fields["$spread"] = self._directive("$spread", spread, path)
        return partial(_object, fields)

    def _directive(self, name: str, source: Mapping[Any, Any], path: Path) -> Node:
        render, options = _DIRECTIVES[name]
        parsed = {key: parse(self, source.get(key), (*path, key)) for key, parse in options.items()}
        return partial(render, parsed)


_FLAGS = dict.fromkeys(("$file", "$single_as_scalar", "$omit_empty"), lambda _, source, __: bool(source))
# How each directive is rendered, and how each of its options is parsed
_DIRECTIVES: Mapping[str, tuple[Callable[..., Any], Mapping[str, Callable[..., Any]]]] = {
    "$each": (_each, {"$item": _Parser.item, "$each": _Parser.path, **_FLAGS}),
    "$spread": (_spread, {"$each": _Parser.path, "$key": _Parser.item, "$value": _Parser.item}),
    "$concat": (_concat, {"$concat": _Parser.nodes}),
    "$file_of": (_file_of, {"$file_of": _Parser.path}),
    "$if": (_if, {"$if": _Parser.path, "$then": _Parser.node, "$else": _Parser.node}),
    "$default": (_default, {"$default": _Parser.nodes}),
    "$map": (_map, {"$to": _Parser.table, "$map": _Parser.node}),
}
DIRECTIVES = tuple(_DIRECTIVES)
