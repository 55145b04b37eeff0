"""Builds the requests. Pure: nothing is sent here, and no image is read."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import attrs

from imagegen_adapters.providers.configured_headers import configured_headers
from imagegen_adapters.providers.http.bodies import Body, write_body
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.request import BodyType, RequestSpec
from imagegen_adapters.providers.http.template_nodes import as_text
from imagegen_adapters.providers.http.templates import Template
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.providers.config import ProviderConfig

_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
_INVALID_HEADER_CHARS = re.compile(r"[^\t -~\x80-\xff]")


@attrs.frozen(kw_only=True)
class BuiltRequest:
    """A request before authentication; ``headers`` are by lower-case name."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Body | None = None


def build_request(
    spec: RequestSpec,
    document: Document,
    config: ProviderConfig,
    scope: Mapping[str, Any],
    extras: Mapping[str, Any] | None = None,
) -> BuiltRequest:
    """Return the request that ``spec`` describes, with the values of ``scope``.

    Raises:
        CallError: ``internal``, nothing was sent: a URL is incomplete.
    """
    headers = _headers(document.headers, scope) | _headers(spec.headers, scope) | configured_headers(config)
    rendered = None if spec.body.template is None else spec.body.template.render(scope)
    if extras and spec.body.type is not BodyType.NONE:
        rendered = _merged(rendered or {}, spec.body.extras, extras)
    body = write_body(spec.body, rendered)
    if body is not None:
        headers["content-type"] = body.content_type
    return BuiltRequest(
        method=spec.method,
        url=_with_query(_url(spec, config, scope), spec, scope),
        headers=headers,
        body=body,
    )


def _headers(templates: Mapping[str, Template], scope: Mapping[str, Any]) -> dict[str, str]:
    rendered = ((name.lower(), template.render(scope)) for name, template in templates.items())
    return {
        name: _INVALID_HEADER_CHARS.sub("", as_text(value)) for name, value in rendered if value is not None
    }


def _url(spec: RequestSpec, config: ProviderConfig, scope: Mapping[str, Any]) -> str:
    if spec.url is not None:
        url = spec.url.render(scope)
        if not isinstance(url, str) or not url:
            raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_WITHOUT_ADDRESS())
        return url
    path = spec.path.render(_quoted(scope, spec.path)) if spec.path is not None else None
    if not isinstance(path, str) or not path.startswith("/") or _DOTS.search(path.partition("?")[0]):
        raise CallError(FailureCode.INTERNAL, DocumentCode.DOCUMENT_PATH_INCOMPLETE(), possible_charge=False)
    return f"{config.api_base}{path}"


def _quoted(scope: Mapping[str, Any], path: Template) -> dict[str, Any]:
    """Return the part of the scope that a path mentions, URL-quoted; a slash inside an id is kept."""
    if not path.names:
        return {}
    mentioned = {k: v for k, v in scope.items() if path.mentions(k)}
    return {k: _safe(v) for k, v in mentioned.items() if k not in ("prompt", "negative_prompt", "vars")} | {
        "vars": {k: _safe(v) for k, v in scope["vars"].items() if isinstance(v, str | int | float)}
    }


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return quote(value, safe="/:@-._~")
    if isinstance(value, Mapping):
        return {k: _safe(v) for k, v in value.items()}
    return value


def _with_query(url: str, spec: RequestSpec, scope: Mapping[str, Any]) -> str:
    values = ((name, template.render(scope)) for name, template in spec.query.items())
    pairs = [(name, as_text(value)) for name, value in values if value is not None]
    query = urlencode(pairs, quote_via=quote)  # a space as %20, as signatures have it
    if not query:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def _merged(rendered: Any, path: str, extras: Mapping[str, Any]) -> Any:
    """Return the body with the undeclared parameters added; values of the template take precedence."""
    if not isinstance(rendered, Mapping):
        return rendered
    if not path:
        return {**extras, **rendered}
    first, _, rest = path.partition(".")
    return {**rendered, first: _merged(rendered.get(first) or {}, rest, extras)}
