"""Builds requests. Images are read while they are sent, so a waiting call holds none."""

import json
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import attrs

from imagegen_adapters.providers.common.calls import ResponseCode, configured_headers
from imagegen_adapters.providers.common.images import Body, BodyImage, encoded_length, json_body
from imagegen_adapters.providers.document.expressions import MAX_CHARS, Budget, DocumentCode
from imagegen_adapters.providers.document.operations import BodySpec, RequestSpec
from imagegen_adapters.providers.document.schema import Document
from imagegen_adapters.providers.document.templates import PROSE, Template, as_text
from imagegen_core.config import ProviderConfig
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import Message

MAX_URL_CHARS = 16_384  # common servers refuse longer ones
MAX_FORM_BYTES = 256 * 1024  # before they are URL-encoded, with a call for each byte
# Room for each image of a request once
_MAX_BODY_BYTES = (MAX_REFERENCES + 2) * encoded_length(MAX_IMAGE_BYTES) + 4 * MAX_CHARS
PATH_OF_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
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
    """Build a request; of the document's variables, only those that it mentions are rendered."""
    templates, budget_of_vars, budget = (*spec.templates, *document.headers.values()), Budget(), Budget()
    variables = {
        name: variable.render(scope, budget_of_vars)
        for name, variable in document.vars.items()
        if any("vars" in each.names or each.mentions(f"vars.{name}") for each in templates)
    }
    scope = {**scope, "vars": variables}
    headers = _headers(document.headers, scope, budget) | _headers(spec.headers, scope, budget)
    headers |= configured_headers(config)
    rendered = None if spec.body.template is None else spec.body.template.render(scope, budget)
    if extras and spec.body.type != "none":
        rendered = _merged(rendered or {}, spec.body.extras, extras)
    body = write_body(spec.body, rendered)
    if body is not None:
        headers["content-type"] = body.content_type
        if body.length > _MAX_BODY_BYTES:
            raise unsendable(DocumentCode.DOCUMENT_REQUEST_TOO_LARGE())
        if spec.body.max_bytes is not None and body.length > spec.body.max_bytes:
            raise unsendable(DocumentCode.DOCUMENT_BODY_TOO_LARGE(maximum=spec.body.max_bytes))
    url = _url(spec, document, config, scope, budget)
    return BuiltRequest(method=spec.method, url=url, headers=headers, body=body)


def unsendable(reason: Message) -> CallError:
    """Return the error of a request of which nothing was sent."""
    return CallError(FailureCode.REJECTED, reason, possible_charge=False)


# Headers and addresses


def _headers(templates: Mapping[str, Template], scope: Mapping[str, Any], budget: Budget) -> dict[str, str]:
    rendered = ((name.lower(), template.render(scope, budget)) for name, template in templates.items())
    return {n: _INVALID_HEADER_CHARS.sub("", as_text(value)) for n, value in rendered if value is not None}


def _url(
    spec: RequestSpec, document: Document, config: ProviderConfig, scope: Mapping[str, Any], budget: Budget
) -> str:
    if spec.url is not None:
        url = spec.url.render(scope, budget)
        if not isinstance(url, str) or not url:
            raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_WITHOUT_ADDRESS())
        return _with_query(url, spec, scope, budget)
    path = None if spec.path is None else spec.path.render(_quoted(scope, spec.path, document), budget)
    if not isinstance(path, str) or not path.startswith("/"):
        raise unsendable(DocumentCode.DOCUMENT_PATH_INCOMPLETE())
    if PATH_OF_DOTS.search(path.partition("?")[0]):
        raise unsendable(DocumentCode.DOCUMENT_PATH_OF_DOTS())
    url = _with_query(f"{config.api_base}{path}", spec, scope, budget)
    if len(url) > MAX_URL_CHARS:
        raise unsendable(DocumentCode.DOCUMENT_URL_TOO_LONG(maximum=MAX_URL_CHARS))
    return url


def _quoted(scope: Mapping[str, Any], path: Template, document: Document) -> dict[str, Any]:
    """Return what a path mentions, URL-quoted: slashes of an id are kept, those of people's text are not."""
    texts = (*PROSE, *(f"params.{name}" for name in PROSE))
    prose = {f"vars.{name}" for name, each in document.vars.items() if any(map(each.mentions, texts))}
    return {name: _segment(value, name, path, prose) for name, value in scope.items() if path.mentions(name)}


def _segment(value: Any, name: str, path: Template, prose: Collection[str]) -> Any:
    if isinstance(value, str):
        if len(value) > MAX_URL_CHARS:
            raise unsendable(DocumentCode.DOCUMENT_URL_TOO_LONG(maximum=MAX_URL_CHARS))
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
        raise unsendable(DocumentCode.DOCUMENT_URL_TOO_LONG(maximum=MAX_URL_CHARS))
    query = urlencode(pairs, quote_via=quote)  # a space as %20, as signatures have it
    if not query:
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


# Bodies


def _merged(rendered: Any, path: str, extras: Mapping[str, Any]) -> Any:
    """Add the undeclared parameters to a body; the template's values take precedence."""
    if not isinstance(rendered, Mapping):
        return rendered
    if not path:
        return {**extras, **rendered}
    first, _, rest = path.partition(".")
    return {**rendered, first: _merged(rendered.get(first) or {}, rest, extras)}


def write_body(spec: BodySpec, rendered: Any) -> Body | None:
    if spec.type == "none":
        return None
    if spec.type == "json":
        try:
            return json_body({} if rendered is None else rendered)
        except TypeError as error:
            raise unsendable(DocumentCode.DOCUMENT_BODY_UNWRITABLE(kind="json")) from error
    if not isinstance(rendered or {}, Mapping):
        raise unsendable(DocumentCode.DOCUMENT_BODY_UNWRITABLE(kind=spec.type))
    fields = tuple(_fields(rendered or {}))
    if spec.type == "multipart" and (spec.force_multipart or fields):
        return _multipart(fields)
    has_file = any(isinstance(value, BodyImage) for _, value in fields)
    pairs = [(name, as_text(value)) for name, value in fields]
    if has_file or sum(len(text.encode("utf-8", "replace")) for _, text in pairs) > MAX_FORM_BYTES:
        raise unsendable(DocumentCode.DOCUMENT_BODY_UNWRITABLE(kind="form"))
    return Body(content_type="application/x-www-form-urlencoded", pieces=(urlencode(pairs).encode(),))


def _fields(rendered: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield a form's fields; a list repeats its field, an object becomes JSON text."""
    for name, value in rendered.items():
        for item in value if isinstance(value, list) else [value]:
            yield name, json.dumps(item, ensure_ascii=False) if isinstance(item, Mapping) else item


def _multipart(fields: tuple[tuple[str, Any], ...]) -> Body:
    boundary = f"imagegen-{secrets.token_hex(16)}"
    pieces: list[bytes | BodyImage] = []
    for name, value in fields:
        safe_name = name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{safe_name}"'
        if isinstance(value, BodyImage):
            if value.prefix is None:
                head += f'; filename="{value.part.filename}"\r\nContent-Type: {value.part.mime_type}'
            pieces += [f"{head}\r\n\r\n".encode(), value, b"\r\n"]
        else:
            pieces.append(f"{head}\r\n\r\n{as_text(value)}\r\n".encode("utf-8", "replace"))
    pieces.append(f"--{boundary}--\r\n".encode())
    return Body(content_type=f"multipart/form-data; boundary={boundary}", pieces=tuple(pieces))
