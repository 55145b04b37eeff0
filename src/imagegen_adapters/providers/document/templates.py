"""The template language of a document: data that holds ``${placeholders}`` and directives, never code.

A string that is exactly ``${path}`` keeps the type of what it names; within other text the value is
written as text. A null removes its key; an object that lost all its keys is removed likewise.

=========================================================== =============================================
``{$each: refs, $item: T}``                                 a list with T for each, named ``item`` within
… ``$single_as_scalar: true``, ``$omit_empty: true``        one item without its list; no empty list
``{$each: refs, $file: true}``                              the same for multipart: one part an image
``$spread: {$each: refs, $key: "image${item.suffix}", $value: T}``  keys beside the object's own
``{$concat: [T, …]}``                                       lists (and single values) joined
``{$file_of: mask}``                                        an image as a multipart file
``{$if: path, $then: T, $else: T}``                         whether the path names anything
``{$default: [T, …]}``                                      the first that is not null
``{$map: T, $to: {value: T}}``                              a value translated; itself when not listed
=========================================================== =============================================
"""

import re
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import attrs

from imagegen_adapters.providers.common.images import encoded_length
from imagegen_adapters.providers.document.expressions import Budget, DocumentCode, Malformed, OverBudget
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MediaType
from imagegen_core.messages import Message
from imagegen_core.problems import JsonType, ProblemCode
from imagegen_core.requests import InputImage

PROSE = ("prompt", "negative_prompt")
"""What people write, and may be anything."""

OPTIONS = ("image_size", "steps", "cfg_scale", "upscale_factor", "edit_mode", "mode")
"""Parameters that have a name of their own beside ``params.name``."""

ROOTS = frozenset(
    (
        *PROSE,
        *OPTIONS,
        *("model", "n", "seed", "random_seed", "width", "height", "size", "aspect_ratio", "stream"),
        *("refs", "image", "images", "mask", "params", "model_vars", "vars", "task"),
        *("base_url", "request_uuid"),
    )
)
"""All names that a path may start with; inside ``$each`` there is also ``item``."""

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")  # stops at any brace, so that matching takes linear time
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*|\[\d{1,3}\])*")
_STEP = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]")
_IMAGES = frozenset(("refs", "image", "images", "mask", "item"))
_IMAGE_FIELDS = frozenset(("base64", "data_uri", "mime", "filename", "index", "suffix", "width", "height"))
_EMBEDDED_FIELDS = frozenset(("base64", "data_uri"))
_MAX_DEPTH = 40
_MAX_NAME_CHARS = 200
_LONE_PLACEHOLDER_PIECES = 3
"""Pieces of a string that is a single placeholder: nothing before it, its name, nothing after it."""

Scope = Mapping[str, Any]
Node = Callable[[Scope, Budget], Any]
"""Fills in a part of a template; None means that it is absent. Raises `OverBudget` where it is too large."""

Path = tuple[str, ...]


class TemplateError(Malformed):
    """A template is malformed; ``path`` is the place of the mistake."""

    def __init__(self, path: Path, reason: Message) -> None:
        super().__init__(reason)
        self.path = path


@attrs.frozen
class Template:
    """A parsed template. ``names`` maps each path that it mentions (``params.quality``) to its place."""

    source: Any
    names: Mapping[str, Path] = attrs.field(eq=False, repr=False)
    _root: Node = attrs.field(eq=False, repr=False)

    @classmethod
    def parse(cls, source: Any, budget: Budget | None = None) -> "Template":
        """Return the template for plain data; each placeholder takes a step of the budget."""
        parser = _Parser(Budget() if budget is None else budget)
        root = parser.node(source, ())
        return cls(source, parser.names, root)

    def render(self, scope: Scope, budget: Budget) -> Any:
        """Return the data with all placeholders filled in, None if nothing remains."""
        try:
            return self._root(scope, budget)
        except OverBudget as error:
            reason = DocumentCode.DOCUMENT_REQUEST_TOO_LARGE()
            raise CallError(FailureCode.REJECTED, reason, possible_charge=False) from error

    def mentions(self, name: str) -> bool:
        """Return whether it uses ``name`` or anything below it."""
        return any(n == name or n.startswith((f"{name}.", f"{name}[")) for n in self.names)


# The caller's images: properties now, bytes only while they are sent


@attrs.frozen(kw_only=True)
class InputPart:
    """One image; ``index`` counts from 0.

    ``data`` replaces the stored bytes of an image that had to be converted first (a mask).
    """

    image: InputImage
    index: int = 0
    role: str = "image"
    data: bytes | None = attrs.field(default=None, repr=False)

    @property
    def mime_type(self) -> str:
        return "image/png" if self.data is not None else self.image.mime_type

    @property
    def size_bytes(self) -> int:
        """The number of bytes that will be sent, before any encoding."""
        return self.image.size_bytes if self.data is None else len(self.data)

    @property
    def filename(self) -> str:
        """A file name that reveals nothing about the caller."""
        return f"{self.role}-{self.index + 1}.{MediaType(self.mime_type).extension}"

    def field(self, name: str) -> Any:
        """Return the value of ``${refs[0].name}``, None for an unknown name."""
        if name in _EMBEDDED_FIELDS:
            return EmbeddedPart(self, as_data_uri=name == "data_uri")
        fields: dict[str, Any] = {
            "mime": self.mime_type,
            "filename": self.filename,
            "index": self.index,
            "suffix": "" if self.index == 0 else f"_{self.index + 1}",
            "width": self.image.width,
            "height": self.image.height,
        }
        return fields.get(name)


@attrs.frozen
class EmbeddedPart:
    """An image inside a JSON text: base64, or a data URI."""

    part: InputPart
    as_data_uri: bool = attrs.field(kw_only=True)

    @property
    def prefix(self) -> str:
        """The text before the base64."""
        return f"data:{self.part.mime_type};base64," if self.as_data_uri else ""

    @property
    def length(self) -> int:
        return len(self.prefix) + encoded_length(self.part.size_bytes)


@attrs.frozen
class FilePart:
    """An image as a file of a multipart body."""

    part: InputPart


def as_text(value: Any) -> str:
    """Return a scalar as it is written in text, a query or a form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _look_up(path: str, scope: Scope) -> Any:
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


def _scopes(path: str, scope: Scope, budget: Budget) -> Iterator[Scope]:
    """Yield a scope for each image of a list."""
    items = _look_up(path, scope)
    for item in items if isinstance(items, list | tuple) else ():
        budget.spend()
        yield {**scope, "item": item}


# From data to nodes


def _constant(value: Any) -> Node:
    def render(_: Scope, budget: Budget) -> Any:
        budget.spend_tree(value)
        return value

    return render


def _value(path: str) -> Node:
    def render(scope: Scope, budget: Budget) -> Any:
        value = _look_up(path, scope)
        budget.spend_tree(value)
        return value

    return render


def _file(path: str) -> Node:
    def render(scope: Scope, budget: Budget) -> Any:
        budget.spend()
        part = _look_up(path, scope)
        return FilePart(part) if isinstance(part, InputPart) else None

    return render


class _Parser:
    """Parses one template; ``names`` maps each name that it mentions to the place of the first mention."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._in_each = False
        self.names: dict[str, Path] = {}

    def node(self, source: Any, path: Path) -> Node:
        if len(path) > _MAX_DEPTH:
            raise TemplateError(path[:3], ProblemCode.TOO_DEEP())
        if isinstance(source, str):
            return self._string(source, path)
        if isinstance(source, Mapping):
            return self._mapping(source, path)
        if isinstance(source, list | tuple):
            return self._items(source, path)
        if source is None or isinstance(source, bool | int | float):
            return _constant(source)
        raise TemplateError(path, ProblemCode.NOT_JSON())

    def _string(self, source: str, path: Path) -> Node:
        pieces = _PLACEHOLDER.split(source)
        if len(pieces) == 1:
            return _constant(source)
        alone = len(pieces) == _LONE_PLACEHOLDER_PIECES and not pieces[0] and not pieces[2]
        if any("${" in text for text in pieces[:-1:2]):
            raise TemplateError(path, DocumentCode.UNFINISHED_PLACEHOLDER())
        try:
            self._budget.spend(len(pieces) // 2)
        except OverBudget as error:
            raise TemplateError(path, DocumentCode.TOO_COSTLY()) from error
        names = [self._name(name, path, alone=alone) for name in pieces[1::2]]
        if alone:
            return _value(names[0])
        parts = [_constant(pieces[0])]
        for name, text in zip(names, pieces[2::2], strict=True):
            parts += [_value(name), _constant(text)]

        def render(scope: Scope, budget: Budget) -> Any:
            values = [part(scope, budget) for part in parts]
            return None if any(v is None for v in values) else "".join(map(as_text, values))

        return render

    def _name(self, text: str, path: Path, *, alone: bool = True) -> str:
        name = text.strip()
        if len(name) > _MAX_NAME_CHARS or not _PATH.fullmatch(name):
            raise TemplateError(path, DocumentCode.NOT_A_VARIABLE_PATH(name=name[:_MAX_NAME_CHARS]))
        root, field = re.split(r"[.\[]", name, maxsplit=1)[0], name.rpartition(".")[2]
        if root not in ROOTS and not (root == "item" and self._in_each):
            raise TemplateError(path, DocumentCode.NO_SUCH_VARIABLE(name=name))
        if root in _IMAGES and "." in name:
            if field not in _IMAGE_FIELDS:
                fields = tuple(sorted(_IMAGE_FIELDS))
                raise TemplateError(
                    path, DocumentCode.NO_SUCH_IMAGE_FIELD(name=name, field=field, known=fields)
                )
            if field in _EMBEDDED_FIELDS and not alone:
                raise TemplateError(path, DocumentCode.MUST_STAND_ALONE(name=name))
        self.names.setdefault(name, path)
        return name

    def _path(self, source: Any, path: Path) -> str:
        if not isinstance(source, str):
            raise TemplateError(path, DocumentCode.NOT_A_NAME_OF_A_LIST())
        return self._name(source.removeprefix("${").removesuffix("}"), path)

    def _list(self, source: Any, path: Path) -> tuple[Node, ...]:
        if not isinstance(source, list | tuple):
            raise TemplateError(path, ProblemCode.WRONG_TYPE(types=(JsonType.ARRAY(),)))
        return tuple(self.node(item, (*path, str(i))) for i, item in enumerate(source))

    def _items(self, source: Any, path: Path) -> Node:
        nodes = self._list(source, path)

        def render(scope: Scope, budget: Budget) -> Any:
            budget.spend(len(nodes))
            return [value for node in nodes if (value := node(scope, budget)) is not None]

        return render

    def _mapping(self, source: Mapping[Any, Any], path: Path) -> Node:
        keys = [key for key in source if isinstance(key, str) and key.startswith("$") and key != "$spread"]
        if not keys:
            return self._object(source, path)
        name = next((key for key in keys if key in _DIRECTIVES), None)
        if name is None:
            raise TemplateError((*path, keys[0]), DocumentCode.NOT_A_DIRECTIVE())
        options, build = _DIRECTIVES[name]
        for key in source:
            if key != name and key not in options:
                raise TemplateError((*path, str(key)), DocumentCode.NOT_AN_OPTION(directive=name))
        return build(self, source, path)

    def _object(self, source: Mapping[Any, Any], path: Path) -> Node:
        spread = self._spread(source["$spread"], (*path, "$spread")) if "$spread" in source else None
        items = ((str(key), value) for key, value in source.items() if key != "$spread")
        entries = [(key, self.node(value, (*path, key))) for key, value in items]
        chars = sum(len(key) for key, _ in entries)

        def render(scope: Scope, budget: Budget) -> Any:
            budget.spend(len(entries), chars=chars)
            rendered = {key: value for key, node in entries if (value := node(scope, budget)) is not None}
            if spread is not None:
                rendered |= spread(scope, budget)
            return rendered if rendered or not (entries or spread) else None

        return render

    def _spread(self, source: Any, path: Path) -> Node:
        if not isinstance(source, Mapping) or set(source) != {"$each", "$key", "$value"}:
            raise TemplateError(path, DocumentCode.NOT_A_SPREAD())
        each = self._path(source["$each"], (*path, "$each"))
        key, value = self._of_each("$key", source, path), self._of_each("$value", source, path)

        def render(scope: Scope, budget: Budget) -> Any:
            pairs = ((key(s, budget), value(s, budget)) for s in _scopes(each, scope, budget))
            return {as_text(k): v for k, v in pairs if k is not None and v is not None}

        return render

    def _of_each(self, key: str, source: Mapping[str, Any], path: Path) -> Node:
        """Parse what is repeated for each image, with the name ``item`` in it."""
        outer, self._in_each = self._in_each, True
        node = self.node(source[key], (*path, key))
        self._in_each = outer
        return node

    def each(self, source: Mapping[str, Any], path: Path) -> Node:
        if ("$item" in source) == ("$file" in source):
            raise TemplateError(path, DocumentCode.ITEM_OR_FILE())
        item = self._of_each("$item", source, path) if "$item" in source else _file("item")
        each = self._path(source["$each"], (*path, "$each"))
        single_as_scalar = bool(source.get("$single_as_scalar", False))
        omit_empty = bool(source.get("$omit_empty", False))

        def render(scope: Scope, budget: Budget) -> Any:
            scopes = _scopes(each, scope, budget)
            rendered = [value for s in scopes if (value := item(s, budget)) is not None]
            if single_as_scalar and len(rendered) == 1:
                return rendered[0]
            return None if omit_empty and not rendered else rendered

        return render

    def concat(self, source: Mapping[str, Any], path: Path) -> Node:
        nodes = self._list(source["$concat"], (*path, "$concat"))

        def render(scope: Scope, budget: Budget) -> Any:
            budget.spend(len(nodes))
            joined: list[Any] = []
            for value in (node(scope, budget) for node in nodes):
                if value is not None:
                    joined += value if isinstance(value, list) else [value]
            return joined

        return render

    def file_of(self, source: Mapping[str, Any], path: Path) -> Node:
        return _file(self._path(source["$file_of"], (*path, "$file_of")))

    def conditional(self, source: Mapping[str, Any], path: Path) -> Node:
        condition = self._path(source["$if"], (*path, "$if"))
        if_set = self.node(source.get("$then"), (*path, "$then"))
        if_empty = self.node(source.get("$else"), (*path, "$else"))

        def render(scope: Scope, budget: Budget) -> Any:
            budget.spend()
            value = _look_up(condition, scope)
            is_empty = value is None or value is False or value in ("", [], (), {})
            return (if_empty if is_empty else if_set)(scope, budget)

        return render

    def default(self, source: Mapping[str, Any], path: Path) -> Node:
        nodes = self._list(source["$default"], (*path, "$default"))

        def render(scope: Scope, budget: Budget) -> Any:
            budget.spend(len(nodes))
            return next((value for node in nodes if (value := node(scope, budget)) is not None), None)

        return render

    def translated(self, source: Mapping[str, Any], path: Path) -> Node:
        choices = source.get("$to")
        if not isinstance(choices, Mapping):
            raise TemplateError((*path, "$to"), ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
        table = {as_text(k): self.node(v, (*path, "$to", str(k))) for k, v in choices.items()}
        node = self.node(source["$map"], (*path, "$map"))

        def render(scope: Scope, budget: Budget) -> Any:
            value = node(scope, budget)
            replacement = None if value is None else table.get(as_text(value))
            return value if replacement is None else replacement(scope, budget)

        return render


_DIRECTIVES: Mapping[str, tuple[tuple[str, ...], Callable[[_Parser, Mapping[Any, Any], Path], Node]]] = (
    MappingProxyType(
        {
            "$each": (("$item", "$file", "$single_as_scalar", "$omit_empty"), _Parser.each),
            "$concat": ((), _Parser.concat),
            "$file_of": ((), _Parser.file_of),
            "$if": (("$then", "$else"), _Parser.conditional),
            "$default": ((), _Parser.default),
            "$map": (("$to",), _Parser.translated),
        }
    )
)
DIRECTIVES = (*_DIRECTIVES, "$spread")
