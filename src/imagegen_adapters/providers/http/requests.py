"""Builds the requests. Pure: nothing is sent here, and no image is read."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import attrs

from imagegen_adapters.providers.base64_stream import encoded_length
from imagegen_adapters.providers.configured_headers import configured_headers
from imagegen_adapters.providers.http.bodies import Body, write_body
from imagegen_adapters.providers.http.budgets import MAX_CHARS, Budget
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.schema.request import BodyType, RequestSpec
from imagegen_adapters.providers.http.template_nodes import as_text
from imagegen_adapters.providers.http.templates import Template
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import Message
from imagegen_core.providers.config import ProviderConfig

MAX_URL_CHARS = 16_384
"""Longest URL of a request; common servers refuse longer ones."""

PROSE = ("prompt", "negative_prompt")
"""What people write, and may be anything."""

_MAX_BODY_BYTES = (MAX_REFERENCES + 2) * encoded_length(MAX_IMAGE_BYTES) + 4 * MAX_CHARS
"""Room for each image of a request once."""

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
        CallError: ``rejected``, nothing was sent: its path is incomplete, or it would be too large.
    """
    budget = Budget()
    headers = _headers(document.headers, scope, budget) | _headers(spec.headers, scope, budget)
    headers |= configured_headers(config)
    rendered = None if spec.body.template is None else spec.body.template.render(scope, budget)
    if extras and spec.body.type is not BodyType.NONE:
        rendered = _merged(rendered or {}, spec.body.extras, extras)
    body = write_body(spec.body, rendered)
    if body is not None:
        headers["content-type"] = body.content_type
        if body.length > _MAX_BODY_BYTES:
            raise too_large()
    return BuiltRequest(
        method=spec.method,
        url=_url(spec, document, config, scope, budget),
        headers=headers,
        body=body,
    )


def check_requests(
    specs: Iterable[RequestSpec | None], document: Document, config: ProviderConfig, scope: Mapping[str, Any]
) -> None:
    """Check that requests which follow a paid one can be sent whatever job it starts, before that is sent.

    Raises:
        CallError: ``rejected``: one of them would be too large, or its path incomplete.
    """
    url = str(config.api_base)
    task = {"id": "1", "poll_url": url, "result_url": url, "cancel_url": url}
    for spec in specs:
        if spec is not None:
            build_request(spec, document, config, {**scope, "task": task})


def _headers(templates: Mapping[str, Template], scope: Mapping[str, Any], budget: Budget) -> dict[str, str]:
    rendered = ((name.lower(), template.render(scope, budget)) for name, template in templates.items())
    return {
        name: _INVALID_HEADER_CHARS.sub("", as_text(value)) for name, value in rendered if value is not None
    }


def _url(
    spec: RequestSpec, document: Document, config: ProviderConfig, scope: Mapping[str, Any], budget: Budget
) -> str:
    if spec.url is not None:
        url = spec.url.render(scope, budget)
        if not isinstance(url, str) or not url:
            raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_WITHOUT_ADDRESS())
        return _with_query(url, spec, scope, budget)
    path = spec.path.render(_quoted(scope, spec.path, document), budget) if spec.path is not None else None
    if not isinstance(path, str) or not path.startswith("/"):
        raise _unsendable(DocumentCode.DOCUMENT_PATH_INCOMPLETE())
    if _DOTS.search(path.partition("?")[0]):
        raise _unsendable(DocumentCode.DOCUMENT_PATH_OF_DOTS())
    url = _with_query(f"{config.api_base}{path}", spec, scope, budget)
    if len(url) > MAX_URL_CHARS:
        raise _url_too_long()
    return url


def _quoted(scope: Mapping[str, Any], path: Template, document: Document) -> dict[str, Any]:
    """Return the part of the scope that a path mentions, URL-quoted.

    A slash inside an id is kept. What people write is one segment, whatever is in it.

    Raises:
        CallError: ``rejected``: it would be too long.
    """
    prose = {f"vars.{name}" for name, template in document.vars.items() if _mentions_prose(template)}
    return {name: _segment(value, name, path, prose) for name, value in scope.items() if path.mentions(name)}


def _mentions_prose(template: Template) -> bool:
    return any(template.mentions(name) or template.mentions(f"params.{name}") for name in PROSE)


def _segment(value: Any, name: str, path: Template, prose: Collection[str]) -> Any:
    if isinstance(value, str):
        if len(value) > MAX_URL_CHARS:
            raise _url_too_long()
        is_prose = name in prose or name.rpartition(".")[2] in PROSE
        return quote(value, safe="" if is_prose else "/:@-._~")
    if isinstance(value, Mapping):
        names = [key for key in value if path.mentions(f"{name}.{key}")]
        return {key: _segment(value[key], f"{name}.{key}", path, prose) for key in names}
    return value


def _with_query(url: str, spec: RequestSpec, scope: Mapping[str, Any], budget: Budget) -> str:
    values = ((name, template.render(scope, budget)) for name, template in spec.query.items())
    pairs = [(name, as_text(value)) for name, value in values if value is not None]
    if sum(len(text) for _, text in pairs) > MAX_URL_CHARS:
        raise _url_too_long()
    query = urlencode(pairs, quote_via=quote)  # a space as %20, as signatures have it
    if not query:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def too_large() -> CallError:
    """Return the refusal of a request that the document makes too large; nothing was sent."""
    return _unsendable(DocumentCode.DOCUMENT_REQUEST_TOO_LARGE())


def _url_too_long() -> CallError:
    return _unsendable(DocumentCode.DOCUMENT_URL_TOO_LONG(maximum=MAX_URL_CHARS))


def _unsendable(reason: Message) -> CallError:
    return CallError(FailureCode.REJECTED, reason, possible_charge=False)


def _merged(rendered: Any, path: str, extras: Mapping[str, Any]) -> Any:
    """Return the body with the undeclared parameters added; values of the template take precedence."""
    if not isinstance(rendered, Mapping):
        return rendered
    if not path:
        return {**extras, **rendered}
    first, _, rest = path.partition(".")
    return {**rendered, first: _merged(rendered.get(first) or {}, rest, extras)}
