"""Finds the images in a response, as the rules of its document say. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import attrs

from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.schema.response import ImageRule, ResponseSpec
from imagegen_adapters.providers.spooled_json import SpooledJson

MAX_IMAGES = 64
_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")


@attrs.frozen(kw_only=True)
class ImageItem:
    """One item of a response: where its image is, or why there is none; nothing of both if it is empty."""

    url: str | None = None
    base64: str | None = None
    blocked: bool = False
    error_code: str | None = None
    error_message: str | None = None
    send_auth: bool = False
    metadata: Mapping[str, Any] = attrs.field(factory=dict)


def find_images(
    response: SpooledJson, spec: ResponseSpec, headers: Mapping[str, str], *, base_url: str
) -> tuple[ImageItem, ...]:
    """Return the items of a response in order, by the first rule that selects anything. Pure."""
    meta = _metadata(response, spec.meta, response.tree, headers)
    for rule in spec.images:
        reader = _Reader(response=response, rule=rule, headers=headers, base_url=base_url, meta=meta)
        if items := tuple(reader.items()):
            return items
    return ()


def _metadata(
    response: SpooledJson, expressions: Mapping[str, Expression | None], item: Any, headers: Mapping[str, str]
) -> dict[str, Any]:
    """Return the values of the expressions that find one, fit to be shown."""
    values = {
        name: expression.search(item, root=response.tree, headers=headers)
        for name, expression in expressions.items()
        if expression is not None
    }
    return {
        name: response.display_text(value) if isinstance(value, str) else value
        for name, value in values.items()
        if value is not None
    }


@attrs.frozen(kw_only=True)
class _Reader:
    response: SpooledJson
    rule: ImageRule
    headers: Mapping[str, str]
    base_url: str
    meta: Mapping[str, Any]

    def items(self) -> Iterator[ImageItem]:
        return map(self._item, self._zipped(self._selected()))

    def _selected(self) -> list[Any]:
        selected = self.rule.select.search(self.response.tree, headers=self.headers)
        items = selected if isinstance(selected, list) else [selected]
        return [item for item in items if item is not None][:MAX_IMAGES]

    def _zipped(self, items: list[Any]) -> Iterator[Any]:
        """Merge parallel arrays into the items; an item that is not an object becomes its ``value``."""
        arrays = {
            name: column
            for name, expression in self.rule.zip.items()
            if isinstance(column := expression.search(self.response.tree, headers=self.headers), list)
        }
        for position, item in enumerate(items):
            extra = {n: column[position] for n, column in arrays.items() if position < len(column)}
            yield {**(item if isinstance(item, dict) else {"value": item}), **extra} if extra else item

    def _item(self, item: Any) -> ImageItem:
        rule = self.rule
        if rule.blocked_if is not None and rule.blocked_if.holds(item, root=self.response.tree):
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
        metadata = {**self.meta, **_metadata(self.response, details, item, self.headers)}
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
        return expression.search_text(item, root=self.response.tree, headers=self.headers) or None

    def _from_template(self, item: Any) -> str | None:
        if self.rule.url_template is None or not isinstance(item, dict):
            return None
        url = self.rule.url_template.replace("${base_url}", self.base_url)
        return _FIELD.sub(lambda match: quote(str(item.get(match[1]) or ""), safe=""), url)
