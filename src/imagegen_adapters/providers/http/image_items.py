"""Finds the images in a response, as the rules of its document say. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import attrs

from imagegen_adapters.providers.http.budgets import Budget, OverBudget, Reading
from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.requests import MAX_URL_CHARS
from imagegen_adapters.providers.http.schema.response import ImageRule, ResponseSpec
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.spooled_json import SpooledJson
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode

MAX_IMAGES = 64
_MAX_METADATA_CHARS = 32 * 1024
"""Of what a response says of all its images, and as much again of each."""

_MAX_ZIPPED_FIELDS = 10_000
_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")


@attrs.frozen(kw_only=True)
class ImageItem:
    """One item of a response: where its image is, or why there is none; nothing of both if it is empty.

    ``error``: the document's expressions cannot read it.
    """

    url: str | None = None
    base64: str | None = None
    blocked: bool = False
    error_code: str | None = None
    error_message: str | None = None
    send_auth: bool = False
    error: CallError | None = None
    metadata: Mapping[str, Any] = attrs.field(factory=dict)


def find_images(
    response: SpooledJson,
    spec: ResponseSpec,
    headers: Mapping[str, str],
    *,
    base_url: str,
    reading: Reading | None = None,
) -> tuple[ImageItem, ...]:
    """Return the items of a response in order, by the first rule that selects anything. Pure.

    Raises:
        CallError: ``bad_response``; no rule selects anything, and one of them cannot read the response.
    """
    reading = Reading() if reading is None else reading
    meta = _metadata(response, spec.meta, response.tree, headers, reading)
    failure = None
    for rule in spec.images:
        reader = _Reader(
            response=response, rule=rule, headers=headers, base_url=base_url, meta=meta, reading=reading
        )
        try:
            items = tuple(reader.items())
        except CallError as error:
            failure = failure or error
        else:
            if items:
                return items
    if failure is not None:
        raise failure
    return ()


def _metadata(
    response: SpooledJson,
    expressions: Mapping[str, Expression | None],
    item: Any,
    headers: Mapping[str, str],
    reading: Reading,
) -> dict[str, Any]:
    """Return the values of the expressions that find one, fit to be shown, as far as there is room."""
    room, metadata = Budget(chars=_MAX_METADATA_CHARS), {}
    for name, expression in expressions.items():
        if expression is None:
            continue
        value = expression.search(item, root=response.tree, headers=headers, reading=reading, optional=True)
        if value is None:
            continue
        value = response.display_text(value) if isinstance(value, str) else value
        rest = attrs.evolve(room)
        try:
            rest.spend_tree(value)
        except OverBudget:
            reading.skipped[expression.text] = None
        else:
            room, metadata[name] = rest, value
    return metadata


@attrs.frozen(kw_only=True)
class _Reader:
    response: SpooledJson
    rule: ImageRule
    headers: Mapping[str, str]
    base_url: str
    meta: Mapping[str, Any]
    reading: Reading

    def items(self) -> Iterator[ImageItem]:
        for item in self._zipped(self._selected()):
            try:
                yield self._item(item)
            except CallError as error:
                yield ImageItem(error=error)

    def _selected(self) -> list[Any]:
        selected = self.rule.select.search(self.response.tree, headers=self.headers, reading=self.reading)
        items = selected if isinstance(selected, list) else [selected]
        return [item for item in items if item is not None][:MAX_IMAGES]

    def _zipped(self, items: list[Any]) -> Iterator[Any]:
        """Merge parallel arrays into the items; an item that is not an object becomes its ``value``."""
        arrays = {
            name: column
            for name, expression in self.rule.zip.items()
            if isinstance(column := self._optional(expression), list)
        }
        fields = sum(len(item) for item in items if isinstance(item, dict)) if arrays else 0
        if fields > _MAX_ZIPPED_FIELDS:
            raise self.rule.select.failure(OverBudget())
        for position, item in enumerate(items):
            extra = {n: column[position] for n, column in arrays.items() if position < len(column)}
            yield {**(item if isinstance(item, dict) else {"value": item}), **extra} if extra else item

    def _optional(self, expression: Expression) -> Any:
        return expression.search(
            self.response.tree, headers=self.headers, reading=self.reading, optional=True
        )

    def _item(self, item: Any) -> ImageItem:
        rule = self.rule
        if rule.blocked_if is not None and rule.blocked_if.holds(
            item, root=self.response.tree, reading=self.reading, optional=True
        ):
            return ImageItem(blocked=True)
        url = self._text(item, rule.url) or self._from_template(item)
        inline = self._text(item, rule.base64) or self._text(item, rule.data_uri)
        url_or_base64 = self._text(item, rule.auto)
        if url_or_base64 is not None:
            if url_or_base64.startswith(("http://", "https://")):
                url = url or url_or_base64
            else:
                inline = inline or url_or_base64
        if url is not None and url.startswith("data:"):
            url, inline = None, url
        if url is None and inline is None:
            return self._without_image(item)
        details = {"seed": rule.seed, "revised_prompt": rule.revised_prompt}
        metadata = {**self.meta, **_metadata(self.response, details, item, self.headers, self.reading)}
        if inline is not None:
            return ImageItem(base64=inline, metadata=metadata)
        return ImageItem(url=url, send_auth=rule.send_auth, metadata=metadata)

    def _without_image(self, item: Any) -> ImageItem:
        paths = self.rule.item_error
        if paths is None:
            return ImageItem()
        code, message = self._text(item, paths.code), self._text(item, paths.message)
        return ImageItem(error_code=code, error_message=message or code)

    def _text(self, item: Any, expression: Expression | None) -> str | None:
        if expression is None:
            return None
        places = {"root": self.response.tree, "headers": self.headers, "reading": self.reading}
        return expression.search_text(item, **places) or None

    def _from_template(self, item: Any) -> str | None:
        if self.rule.url_template is None or not isinstance(item, dict):
            return None
        url = self.rule.url_template.replace("${base_url}", self.base_url)
        values = {name: item.get(name) for name in _FIELD.findall(url)}
        texts = {n: str(v or "") for n, v in values.items() if v is None or isinstance(v, str | int | float)}
        if len(texts) < len(values) or sum(map(len, texts.values())) > MAX_URL_CHARS:
            raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_ADDRESS_MALFORMED())
        return _FIELD.sub(lambda match: quote(texts[match[1]], safe=""), url)
