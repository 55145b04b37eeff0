"""Finds the images in a provider's response, with their metadata. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import attrs

from imagegen_adapters.providers.http.document import ErrorPaths, ImageRule, ResponseSpec
from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.spooled_json import SpooledJson

MAX_IMAGES = 64

_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")


@attrs.frozen(kw_only=True)
class ExtractedImage:
    """One item of the response: exactly one of the fields before ``send_auth`` is set."""

    url: str | None = None
    base64: str | None = None
    blocked: bool = False
    error_code: str | None = None
    error_message: str | None = None
    empty: bool = False
    send_auth: bool = False
    metadata: Mapping[str, Any] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Extraction:
    """The content of a response: whether it was refused as a whole, and its items in order."""

    failed: bool = False
    blocked: bool = False
    items: tuple[ExtractedImage, ...] = ()


def is_failure(tree: Any, spec: ResponseSpec, headers: Mapping[str, str]) -> bool:
    """Return whether a 2xx response is an error after all."""
    return spec.fail_if is not None and spec.fail_if.holds(tree, headers=headers)


def find_images(
    response: SpooledJson, spec: ResponseSpec, headers: Mapping[str, str], *, base_url: str
) -> Extraction:
    """Return the content of a response, by the first rule that selects anything."""
    if is_failure(response.tree, spec, headers):
        return Extraction(failed=True)
    if spec.blocked_if is not None and spec.blocked_if.holds(response.tree, headers=headers):
        return Extraction(blocked=True)
    meta = metadata_of(response, spec, headers)
    for rule in spec.images:
        reader = _Reader(response=response, rule=rule, headers=headers, base_url=base_url, meta=meta)
        items = tuple(reader.items())
        if items:
            return Extraction(items=items)
    return Extraction()


def metadata_of(response: SpooledJson, spec: ResponseSpec, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of the document's ``meta`` expressions, without empty ones."""
    values = ((name, e.search(response.tree, headers=headers)) for name, e in spec.meta.items())
    return {name: _shown(response, value) for name, value in values if value is not None}


def _shown(response: SpooledJson, value: Any) -> Any:
    return response.display_text(value) if isinstance(value, str) else value


@attrs.frozen(kw_only=True)
class _Reader:
    response: SpooledJson
    rule: ImageRule
    headers: Mapping[str, str]
    base_url: str
    meta: Mapping[str, Any]

    def items(self) -> Iterator[ExtractedImage]:
        for item in self._zipped(self._selected()):
            yield self._extract(item)

    def _selected(self) -> list[Any]:
        selected = self.rule.select.search(self.response.tree, headers=self.headers)
        if selected is None:
            return []
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

    def _extract(self, item: Any) -> ExtractedImage:
        rule = self.rule
        if rule.blocked_if is not None and rule.blocked_if.holds(item, root=self.response.tree):
            return ExtractedImage(blocked=True)
        error = self._error(item, rule.item_error)
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
            return error or ExtractedImage(empty=True)
        metadata = {**self.meta, **self._metadata(item)}
        if inline is not None:
            return ExtractedImage(base64=inline, metadata=metadata)
        return ExtractedImage(url=url, send_auth=rule.send_auth, metadata=metadata)

    def _error(self, item: Any, paths: ErrorPaths | None) -> ExtractedImage | None:
        if paths is None:
            return None
        code, message = self._text(item, paths.code), self._text(item, paths.message)
        if code is None and message is None:
            return None
        return ExtractedImage(error_code=code, error_message=message or code)

    def _text(self, item: Any, expression: Expression | None) -> str | None:
        if expression is None:
            return None
        return expression.search_text(item, root=self.response.tree, headers=self.headers) or None

    def _from_template(self, item: Any) -> str | None:
        if self.rule.url_template is None or not isinstance(item, dict):
            return None
        url = self.rule.url_template.replace("${base_url}", self.base_url)
        return _FIELD.sub(lambda match: quote(str(item.get(match[1]) or ""), safe=""), url)

    def _metadata(self, item: Any) -> dict[str, Any]:
        expressions = {"seed": self.rule.seed, "revised_prompt": self.rule.revised_prompt}
        values = {
            name: e.search(item, root=self.response.tree, headers=self.headers)
            for name, e in expressions.items()
            if e is not None
        }
        return {name: _shown(self.response, value) for name, value in values.items() if value is not None}
