"""Parses a template's data into nodes, and refuses unknown names."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from imagegen_adapters.providers.http import template_nodes as nodes
from imagegen_adapters.providers.http.budgets import Budget, OverBudget
from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_core.messages import Message
from imagegen_core.problems.fields import JsonType, ProblemCode

ROOTS = frozenset(
    (
        "model",
        "prompt",
        "negative_prompt",
        "n",
        "seed",
        "random_seed",
        "width",
        "height",
        "size",
        "aspect_ratio",
        "image_size",
        "steps",
        "cfg_scale",
        "upscale_factor",
        "edit_mode",
        "mode",
        "refs",
        "image",
        "images",
        "mask",
        "stream",
        "params",
        "model_vars",
        "vars",
        "task",
        "base_url",
        "request_uuid",
    )
)
"""All names that a path may start with; inside ``$each`` there is also ``item``."""

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")  # stops at any brace, so that matching takes linear time
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_][\w-]*|\[\d{1,3}\])*")
_IMAGES = frozenset(("refs", "image", "images", "mask", "item"))
_IMAGE_FIELDS = frozenset(("base64", "data_uri", "mime", "filename", "index", "suffix", "width", "height"))
_STANDALONE_FIELDS = frozenset(("base64", "data_uri"))
_MAX_DEPTH = 40
_MAX_NAME_CHARS = 200
_LONE_PLACEHOLDER_PIECES = 3
"""Pieces of a string that is a single placeholder: nothing before it, its name, nothing after it."""


class TemplateError(Malformed):
    """A template is malformed; ``path`` is the place of the mistake."""

    def __init__(self, path: tuple[str, ...], reason: Message) -> None:
        super().__init__(reason)
        self.path = path


@attrs.frozen
class _Place:
    path: tuple[str, ...] = ()
    in_each: bool = False

    def __truediv__(self, key: object) -> "_Place":
        return _Place((*self.path, str(key)), self.in_each)

    def within_each(self) -> "_Place":
        return _Place(self.path, in_each=True)


class TemplateParser:
    """Parses one template; ``names`` maps each name that it mentions to the place of the first mention."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self.names: dict[str, tuple[str, ...]] = {}
        self._directives: Mapping[str, tuple[frozenset[str], Callable[..., nodes.Node]]] = {
            "$each": (frozenset(("$item", "$file", "$single_as_scalar", "$omit_empty")), self._each),
            "$concat": (frozenset(), self._concat),
            "$file_of": (frozenset(), self._file_of),
            "$if": (frozenset(("$then", "$else")), self._if),
            "$default": (frozenset(), self._default),
            "$map": (frozenset(("$to",)), self._map),
        }

    def parse(self, source: Any) -> nodes.Node:
        """Return the root node.

        Raises:
            TemplateError: a placeholder has an unknown name, or a directive is malformed.
        """
        return self._node(source, _Place())

    def _node(self, source: Any, place: _Place) -> nodes.Node:
        if len(place.path) > _MAX_DEPTH:
            raise TemplateError(place.path[:3], ProblemCode.TOO_DEEP())
        if isinstance(source, str):
            return self._string(source, place)
        if isinstance(source, Mapping):
            return self._mapping(source, place)
        if isinstance(source, list | tuple):
            return nodes.Items(self._list(source, place))
        if source is None or isinstance(source, bool | int | float):
            return nodes.Constant(source)
        raise TemplateError(place.path, ProblemCode.NOT_JSON())

    def _list(self, source: Any, place: _Place) -> tuple[nodes.Node, ...]:
        if not isinstance(source, list | tuple):
            raise TemplateError(place.path, ProblemCode.WRONG_TYPE(types=(JsonType.ARRAY(),)))
        return tuple(self._node(item, place / i) for i, item in enumerate(source))

    def _string(self, source: str, place: _Place) -> nodes.Node:
        pieces = _PLACEHOLDER.split(source)
        if len(pieces) == 1:
            return nodes.Constant(source)
        alone = len(pieces) == _LONE_PLACEHOLDER_PIECES and not pieces[0] and not pieces[2]
        if any("${" in text for text in pieces[:-1:2]):
            raise TemplateError(place.path, DocumentCode.UNFINISHED_PLACEHOLDER())
        try:
            self._budget.spend(len(pieces) // 2)
        except OverBudget as error:
            raise TemplateError(place.path, DocumentCode.TOO_COSTLY()) from error
        names = [self._name(name, place, alone=alone) for name in pieces[1::2]]
        if alone:
            return nodes.Value(names[0])
        parts: list[nodes.Node] = [nodes.Constant(pieces[0])]
        for name, text in zip(names, pieces[2::2], strict=True):
            parts += [nodes.Value(name), nodes.Constant(text)]
        return nodes.Text(tuple(parts))

    def _name(self, text: str, place: _Place, *, alone: bool = True) -> str:
        name = text.strip()
        if len(name) > _MAX_NAME_CHARS or not _PATH.fullmatch(name):
            raise TemplateError(place.path, DocumentCode.NOT_A_VARIABLE_PATH(name=name[:_MAX_NAME_CHARS]))
        root = re.split(r"[.\[]", name, maxsplit=1)[0]
        if root not in ROOTS and not (root == "item" and place.in_each):
            raise TemplateError(place.path, DocumentCode.NO_SUCH_VARIABLE(name=name))
        if root in _IMAGES and "." in name:
            _check_image_field(name, place, alone=alone)
        self.names.setdefault(name, place.path)
        return name

    def _mapping(self, source: Mapping[Any, Any], place: _Place) -> nodes.Node:
        keys = [key for key in source if isinstance(key, str) and key.startswith("$") and key != "$spread"]
        if keys:
            return self._directive(source, keys, place)
        spread = self._spread(source["$spread"], place / "$spread") if "$spread" in source else None
        entries = ((str(k), self._node(v, place / k)) for k, v in source.items() if k != "$spread")
        return nodes.Object(tuple(entries), spread)

    def _directive(self, source: Mapping[Any, Any], keys: list[str], place: _Place) -> nodes.Node:
        name = next((key for key in keys if key in self._directives), None)
        if name is None:
            raise TemplateError((place / keys[0]).path, DocumentCode.NOT_A_DIRECTIVE())
        options, build = self._directives[name]
        for key in source:
            if key != name and key not in options:
                raise TemplateError((place / key).path, DocumentCode.NOT_AN_OPTION(directive=name))
        return build(source, place)

    def _each(self, source: Mapping[str, Any], place: _Place) -> nodes.Node:
        if ("$item" in source) == ("$file" in source):
            raise TemplateError(place.path, DocumentCode.ITEM_OR_FILE())
        item: nodes.Node = nodes.File("item")
        if "$item" in source:
            item = self._node(source["$item"], (place / "$item").within_each())
        return nodes.Each(
            self._path(source["$each"], place / "$each"),
            item,
            bool(source.get("$single_as_scalar", False)),
            bool(source.get("$omit_empty", False)),
        )

    def _spread(self, source: Any, place: _Place) -> nodes.Spread:
        if not isinstance(source, Mapping) or set(source) != {"$each", "$key", "$value"}:
            raise TemplateError(place.path, DocumentCode.NOT_A_SPREAD())
        return nodes.Spread(
            self._path(source["$each"], place / "$each"),
            self._node(source["$key"], (place / "$key").within_each()),
            self._node(source["$value"], (place / "$value").within_each()),
        )

    def _concat(self, source: Mapping[str, Any], place: _Place) -> nodes.Node:
        return nodes.Concat(self._list(source["$concat"], place / "$concat"))

    def _file_of(self, source: Mapping[str, Any], place: _Place) -> nodes.Node:
        return nodes.File(self._path(source["$file_of"], place / "$file_of"))

    def _if(self, source: Mapping[str, Any], place: _Place) -> nodes.Node:
        condition = self._path(source["$if"], place / "$if")
        if_set = self._node(source.get("$then"), place / "$then")
        return nodes.If(condition, if_set, self._node(source.get("$else"), place / "$else"))

    def _default(self, source: Mapping[str, Any], place: _Place) -> nodes.Node:
        return nodes.Default(self._list(source["$default"], place / "$default"))

    def _map(self, source: Mapping[str, Any], place: _Place) -> nodes.Node:
        table = source.get("$to")
        if not isinstance(table, Mapping):
            raise TemplateError((place / "$to").path, ProblemCode.WRONG_TYPE(types=(JsonType.OBJECT(),)))
        translated = {nodes.as_text(k): self._node(v, place / "$to" / k) for k, v in table.items()}
        return nodes.Map(self._node(source["$map"], place / "$map"), translated)

    def _path(self, source: Any, place: _Place) -> str:
        if not isinstance(source, str):
            raise TemplateError(place.path, DocumentCode.NOT_A_NAME_OF_A_LIST())
        return self._name(source.removeprefix("${").removesuffix("}"), place)


def _check_image_field(name: str, place: _Place, *, alone: bool) -> None:
    field = name.rpartition(".")[2]
    if field not in _IMAGE_FIELDS:
        fields = tuple(sorted(_IMAGE_FIELDS))
        raise TemplateError(
            place.path, DocumentCode.NO_SUCH_IMAGE_FIELD(name=name, field=field, known=fields)
        )
    if field in _STANDALONE_FIELDS and not alone:
        raise TemplateError(place.path, DocumentCode.MUST_STAND_ALONE(name=name))
