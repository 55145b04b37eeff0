"""One call with the document's part for it: builds its requests, and sends them with the provider's key.

Images are read while they are sent, so a waiting call holds none. The key goes to the origin that it was
configured for, to ``egress.allow_hosts`` if that origin is the provider's own, and for a login to
``token_url``; nowhere else.
"""

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import map_transport_errors
from imagegen_adapters.outbound.transport import PAID
from imagegen_adapters.providers.common.calls import (
    ResponseCode,
    basic_auth,
    call_timeout,
    configured_headers,
    without_secret,
)
from imagegen_adapters.providers.common.images import (
    Body,
    BodyImage,
    InputPart,
    encoded_length,
    json_body,
    map_refusals,
    mask_for,
    random_seed,
)
from imagegen_adapters.providers.document.credentials import OAUTH, AccessToken, AccessTokens
from imagegen_adapters.providers.document.expressions import (
    MAX_CHARS,
    MAX_QUOTED_CHARS,
    Budget,
    DocumentCode,
    Expression,
    UpstreamResponse,
)
from imagegen_adapters.providers.document.models import UpstreamSize, size_for_upstream
from imagegen_adapters.providers.document.operations import BodySpec, OperationSpec, RequestSpec
from imagegen_adapters.providers.document.reading import parts_of
from imagegen_adapters.providers.document.responses import (
    RESPONSE_FILE,
    Classification,
    PartialResponse,
    classify,
    read_head,
)
from imagegen_adapters.providers.document.schema import Document, ModelSpec, follow
from imagegen_adapters.providers.document.templates import OPTIONS, PROSE, Template, as_text
from imagegen_core.attempt import Receipt
from imagegen_core.config import ProviderConfig, is_secret_header
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.facts import SIZE_NAMES
from imagegen_core.images import MAX_IMAGE_BYTES
from imagegen_core.limits import MAX_REFERENCES
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.ports.provider import Exchange, ProviderCall
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import RANDOM_SEED, ImageRequest
from imagegen_core.secrets import MASK, Secret

# A response with this extension refuses an access token that was accepted before
TOKEN_REFUSED = "imagegen_refused"  # noqa: S105 - a name

_MAX_SIGNED_BYTES = 32 * 1024 * 1024  # a signer hashes the whole body in memory

MAX_URL_CHARS = 16_384  # common servers refuse longer ones
MAX_FORM_BYTES = 256 * 1024  # before they are URL-encoded, with a call for each byte
# Room for each image of a request once
_MAX_BODY_BYTES = (MAX_REFERENCES + 2) * encoded_length(MAX_IMAGE_BYTES) + 4 * MAX_CHARS
PATH_OF_DOTS = re.compile(r"(?:^|/)\.{1,2}(?:/|$)")
_INVALID_HEADER_CHARS = re.compile(r"[^\t -~\x80-\xff]")
_QUERY_PAIR = re.compile(r"(?<=[?&])([^=&#]+)=[^&#]*")
_MAX_SKIPPED = 8  # warnings of one call about expressions


@attrs.frozen(kw_only=True)
class BuiltRequest:
    """A request before authentication; ``headers`` are by lower-case name."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Body | None = None


def unsendable(reason: Message) -> CallError:
    """Return the error of a request of which nothing was sent."""
    return CallError(FailureCode.REJECTED, reason, possible_charge=False)


# Building


def _texts(templates: Mapping[str, Template], scope: Mapping[str, Any], budget: Budget) -> dict[str, str]:
    rendered = {name: template.render(scope, budget) for name, template in templates.items()}
    return {name: as_text(value) for name, value in rendered.items() if value is not None}


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


# Sending


@attrs.frozen(kw_only=True)
class Sender:
    """Builds, signs and sends one provider's requests, and reads the responses by its document."""

    outbound: Outbound
    clock: Clock
    document: Document
    config: ProviderConfig
    uploads: asyncio.Semaphore  # of all calls: an image is in memory only while it is sent
    tokens: AccessTokens
    skipped: dict[str, None] = attrs.field(factory=dict)  # texts of optional expressions that failed

    @property
    def secret(self) -> Secret | None:
        """What no message may contain: the key, or the access token for it."""
        if self.document.auth.type == OAUTH:
            return self.tokens.latest(self.config, self.document.auth)
        return self.config.api_key

    async def credentials(self) -> tuple[Mapping[str, str], AccessToken | None]:
        """Return the headers that authenticate a request now, if such do, and the access token in them."""
        auth, secret, token = self.document.auth, self.config.api_key, None
        if secret is None or auth.type in ("none", "signer", "query"):
            return {}, None
        if auth.type == OAUTH:
            token = await self.tokens.get(self.config, auth)
            secret = token.secret
        return self.key_headers(secret.reveal()), token

    def key_headers(self, key: str) -> Mapping[str, str]:
        """Return the headers with a key, or with an access token for it."""
        auth = self.document.auth
        if auth.type == "header":
            return {auth.header.lower(): f"{auth.prefix}{key}"}
        if auth.type == "basic":
            return basic_auth(key if auth.username is None else f"{auth.username}:{key}")
        return {} if auth.type in ("none", "signer", "query") else {"authorization": f"Bearer {key}"}

    def read(self, response: httpx.Response) -> Awaitable[PartialResponse]:
        return read_head(response, self.secret, self.skipped)

    def build(
        self, spec: RequestSpec, scope: Mapping[str, Any], extras: Mapping[str, Any] | None = None
    ) -> BuiltRequest:
        """Build a request; of the document's variables, only those that it mentions are rendered."""
        document, budget_of_vars, budget = self.document, Budget(), Budget()
        templates = (*spec.templates, *document.headers.values())
        variables = {
            name: variable.render(scope, budget_of_vars)
            for name, variable in document.vars.items()
            if any("vars" in each.names or each.mentions(f"vars.{name}") for each in templates)
        }
        scope = {**scope, "vars": variables}
        headers = {
            name.lower(): _INVALID_HEADER_CHARS.sub("", text)
            for texts in (document.headers, spec.headers)
            for name, text in _texts(texts, scope, budget).items()
        }
        headers |= configured_headers(self.config)
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
        url = self._url(spec, scope, budget)
        return BuiltRequest(method=spec.method, url=url, headers=headers, body=body)

    def _url(self, spec: RequestSpec, scope: Mapping[str, Any], budget: Budget) -> str:
        if spec.url is not None:
            url = spec.url.render(scope, budget)
            if not isinstance(url, str) or not url:
                raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_WITHOUT_ADDRESS())
        else:
            path = spec.path and spec.path.render(_quoted(scope, spec.path, self.document), budget)
            if not isinstance(path, str) or not path.startswith("/"):
                raise unsendable(DocumentCode.DOCUMENT_PATH_INCOMPLETE())
            if PATH_OF_DOTS.search(path.partition("?")[0]):
                raise unsendable(DocumentCode.DOCUMENT_PATH_OF_DOTS())
            url = f"{self.config.api_base}{path}"
        texts = _texts(spec.query, scope, budget)
        if sum(map(len, texts.values())) > MAX_URL_CHARS:
            raise unsendable(DocumentCode.DOCUMENT_URL_TOO_LONG(maximum=MAX_URL_CHARS))
        if query := urlencode(texts, quote_via=quote):  # a space as %20, as signatures have it
            parts = urlsplit(url)
            url = urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
        if spec.url is None and len(url) > MAX_URL_CHARS:
            raise unsendable(DocumentCode.DOCUMENT_URL_TOO_LONG(maximum=MAX_URL_CHARS))
        return url

    def classify(
        self, response: UpstreamResponse, code: str | None = None, message: str | None = None
    ) -> Classification:
        return classify(response, self.document.errors, self.clock.now(), code, message)

    @contextlib.asynccontextmanager
    async def open(
        self, request: BuiltRequest, exchange: Exchange | None, *, seconds: float, origins: Iterable[str] = ()
    ) -> AsyncIterator[httpx.Response]:
        """Send the request, a paid one if it has an ``exchange``, and yield the response, its body unread.

        If the access token is refused early, a free one is sent once more; a paid one's has `TOKEN_REFUSED`.
        """
        response = await self._send(request, exchange, seconds, origins)
        if TOKEN_REFUSED in response.extensions and exchange is None:
            await response.aclose()
            response = await self._send(request, exchange, seconds, origins)
        with map_transport_errors():
            try:
                yield response
            finally:
                await response.aclose()

    async def _send(
        self, request: BuiltRequest, exchange: Exchange | None, seconds: float, origins: Iterable[str]
    ) -> httpx.Response:
        transport = self.outbound.api_transport(self.config, extra_origins=origins)
        (credentials, token), body = await self.credentials(), request.body
        signer = self.document.auth.signing
        is_hashed = signer is not None and signer.reads_body
        content: bytes | AsyncGenerator[bytes, None] | None = None
        if body is not None:
            if is_hashed and body.length > _MAX_SIGNED_BYTES:
                raise unsendable(DocumentCode.DOCUMENT_REQUEST_TOO_LARGE())
            is_streamed = body.has_images and not is_hashed
            content = self._upload(body, exchange) if is_streamed else await body.whole(exchange)
        extensions = {"timeout": call_timeout(seconds).as_dict(), PAID: exchange is not None}
        http_request = self.http_request(request, content, credentials, extensions)
        try:
            with map_transport_errors():
                response = await transport.handle_async_request(http_request)
            if exchange is not None:
                exchange.mark_response_started()
        finally:
            if isinstance(content, AsyncGenerator):
                await content.aclose()  # releases the semaphore for the next upload
        if token is not None and token.judge(response):
            response.extensions[TOKEN_REFUSED] = True
        return response

    def http_request(
        self,
        request: BuiltRequest,
        content: bytes | AsyncGenerator[bytes, None] | None,
        credentials: Mapping[str, str],
        extensions: dict[str, Any] | None = None,
    ) -> httpx.Request:
        """Return the request as it is sent: with the key or its signature, and its ``content``."""
        auth, key, url = self.document.auth, self.config.api_key, request.url
        if auth.type == "query" and key is not None:
            url += f"{'&' if '?' in url else '?'}{urlencode({auth.param: key.reveal()})}"
        length = {} if request.body is None else {"content-length": str(request.body.length)}
        headers = {**self.outbound.api_headers, **request.headers, **length, **credentials}
        try:
            http_request = httpx.Request(
                request.method, url, headers=headers, content=content, extensions=extensions
            )
        except httpx.InvalidURL as error:  # too long, or with invalid characters
            raise unsendable(DocumentCode.DOCUMENT_ADDRESS_UNUSABLE()) from error
        if auth.signing is not None and key is not None:
            signature = auth.signing.headers(http_request, key.reveal(), auth.options, self.clock.now())
            http_request.headers.update(signature)
        return http_request

    async def _upload(self, body: Body, exchange: Exchange | None) -> AsyncGenerator[bytes, None]:
        async with self.uploads:
            async for block in body.stream(exchange):
                yield block


# One call


@attrs.frozen(kw_only=True)
class DocumentCall(Sender):
    """A call, the part of the document that serves it, and what sends its requests."""

    call: ProviderCall
    model: ModelSpec
    operation: OperationSpec

    # Requests

    async def paid_request(self, exchange: Exchange | None) -> BuiltRequest:
        """Build the paid request; without an ``exchange``, it has no images."""
        return (await self.requests(exchange))["submit"]

    async def requests(self, exchange: Exchange | None) -> dict[str, BuiltRequest]:
        """Build the polls, then the paid request: a job that cannot be polled must not be paid for."""
        request = self.call.request
        with map_refusals():
            size = size_for_upstream(request.params, self.model.size_of(request.operation))
            check_request(request, self.document, self.model, self.operation)
            polarity = self.operation.mask.polarity
            mask = None if exchange is None else await mask_for(request, exchange, polarity)
        scope, url = self._scope(size, mask=mask), str(self.config.api_base)
        task = {"id": "1", "poll_url": url, "result_url": url, "cancel_url": url}
        poll = None if self.operation.poll is None else self.operation.poll.request
        steps = {"poll": poll, "result": self.operation.result}
        free = {
            name: self.build(spec, {**scope, "task": task})
            for name, spec in steps.items()
            if spec is not None
        }
        return {"submit": self.build(self.operation.request, scope, self._extras()), **free}

    def open_free(
        self, spec: RequestSpec, task: Mapping[str, Any], *, seconds: float
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Send a request about an accepted job. A URL that must not get the key is a bad response."""
        request = self.build(spec, self._scope(self._sent_size, task=task))
        url = follow(request.url, str(self.config.api_base), self.document, self.config)
        return self.open(attrs.evolve(request, url=url), None, seconds=seconds, origins=(url,))

    def _scope(
        self, size: UpstreamSize, *, mask: bytes | None = None, task: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the placeholders' values, without the document's variables."""
        call, request = self.call, self.call.request
        defaults = {name: p.default for name, p in self.model.params.items() if p.default is not None}
        params = {**defaults, **request.params}
        if params.get("seed") == RANDOM_SEED:
            del params["seed"]  # providers draw a random seed if there is none
        return {
            **{name: params.get(name) for name in ("negative_prompt", "seed", *OPTIONS)},
            "model": call.model.upstream_id,
            "prompt": request.prompt or None,
            "n": request.num,
            "random_seed": random_seed(call.call_id),
            "width": size.width,
            "height": size.height,
            "size": size.size,
            "aspect_ratio": size.aspect_ratio,
            "stream": self.operation.streams(params) or None,
            "params": {**params, "num": request.num},
            "model_vars": self.model.vars,
            "task": task or {},
            "base_url": call.config.api_base,
            "request_uuid": call.call_id,
            **_images(request, mask, mask_as_image=self._mask_as_image),
        }

    @property
    def notes(self) -> tuple[Message, ...]:
        """What was sent otherwise than the caller asked."""
        beside = DocumentCode.DOCUMENT_MASK_BESIDE() if self._mask_as_image else None
        return tuple(note for note in (self._sent_size.note, beside) if note is not None)

    @property
    def _mask_as_image(self) -> bool:
        return self.call.request.mask is not None and not self.document.mentions(self.operation, "mask")

    @property
    def _sent_size(self) -> UpstreamSize:
        request = self.call.request
        try:
            return size_for_upstream(request.params, self.model.size_of(request.operation))
        except ValidationFailed:  # an earlier version sent it, which knew the size
            return UpstreamSize()

    def _extras(self) -> dict[str, Any]:
        """Return the caller's parameters that the request mentions nowhere, without the count."""
        if not self.document.passes_extras(self.model):
            return {}
        uses_size = any(self.document.mentions(self.operation, name) for name in SIZE_NAMES)
        excluded = {"num", "edit_mode", "mode", "upscale_factor", *(SIZE_NAMES if uses_size else ())}
        return {
            name: value
            for name, value in self.call.request.params.items()
            if name not in excluded
            and (name, value) != ("seed", RANDOM_SEED)
            and not self.document.mentions(self.operation, name)
        }

    @property
    def drawn_seed(self) -> int | None:
        """The random seed of the call; None if the caller gave one, or the provider draws it."""
        has_seed = self.call.request.seed not in (None, RANDOM_SEED)
        is_drawn = not has_seed and self.document.mentions(self.operation, "random_seed")
        return random_seed(self.call.call_id) if is_drawn else None

    # Responses

    def receipt(self, start: PartialResponse, *, is_image: bool | None = None) -> Receipt:
        """Return the receipt of a spooled response, without the key: receipts are stored unencrypted."""
        key, names = self.secret, _required_headers(self.document, self.operation)
        headers = {name: without_secret(text, key) for name, text in start.headers.items() if name in names}
        if is_image is None:
            is_image = start.is_image(self.operation.response)
        return Receipt(
            data={
                "file": RESPONSE_FILE,
                "kind": "raw" if is_image else "json",
                "status": start.status,
                "url": start.url,
                "headers": {name: text[:1000] for name, text in headers.items()},
                **self.skipped_data(),
            }
        )

    def skipped_data(self, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the skipped expressions, after ``earlier`` ones, for the data of a job or a receipt."""
        texts = dict.fromkeys([*(earlier or {}).get("skipped", ()), *self.skipped])
        return {"skipped": [text[:MAX_QUOTED_CHARS] for text in texts][:_MAX_SKIPPED]} if texts else {}


def preview(call: DocumentCall, step: str, request: BuiltRequest) -> dict[str, Any]:
    """Return a request as it would be sent, secrets masked, and each image by its name, type and size."""
    signed = call.http_request(request, b"", call.key_headers(MASK))
    headers, auth = dict(signed.headers), call.document.auth
    for name, text in signed.headers.items():
        if is_secret_header(name):  # one of ours begins with a scheme, others with their secret
            scheme, space, _ = text.partition(" ")
            headers[name] = f"{scheme} {MASK}" if space and name not in request.headers else MASK
    secret = auth.param if auth.type == "query" else None
    url = _QUERY_PAIR.sub(
        lambda m: f"{m[1]}={MASK}" if m[1] == secret or is_secret_header(m[1]) else m[0], str(signed.url)
    )
    texts = []
    for piece in () if request.body is None else request.body.pieces:
        if isinstance(piece, bytes):
            texts.append(piece.decode("utf-8", "replace"))
        else:
            part = piece.part
            texts.append(f"{piece.prefix or ''}<{part.filename}, {part.mime_type}, {part.size_bytes} bytes>")
    body = "".join(texts)
    if request.body is not None and request.body.content_type == "application/json":
        body = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    return {"step": step, "method": signed.method, "url": url, "headers": headers, "body": body or None}


@lru_cache(maxsize=64)  # the walk takes 0.2 ms
def _required_headers(document: Document, operation: OperationSpec) -> frozenset[str]:
    """Return the names of the headers that the document reads from a response later."""
    raw = () if operation.response.raw is None else operation.response.raw.meta_headers.values()
    parts = (part for _, part in parts_of((operation.response, document.errors)))
    names = {name for part in parts if isinstance(part, Expression) for name in part.headers}
    return frozenset((*names, *map(str.lower, raw)))


def _images(request: ImageRequest, mask: bytes | None, *, mask_as_image: bool) -> dict[str, Any]:
    main, references = (() if request.image is None else (request.image,)), request.references
    images = [InputPart(image=each, index=i) for i, each in enumerate((*main, *references))]
    mask_part = None if request.mask is None else InputPart(image=request.mask, role="mask", data=mask)
    if mask_as_image and mask_part is not None:
        images.append(attrs.evolve(mask_part, index=len(images)))
    return {
        "refs": [InputPart(image=each, index=i, role="reference") for i, each in enumerate(references)],
        "image": images[0] if main else None,
        "images": images,
        "mask": mask_part,
    }


def check_request(
    request: ImageRequest, document: Document, model: ModelSpec, operation: OperationSpec
) -> None:
    """Refuse values that the model does not take together, and images as far as possible unread."""
    params = request.params
    for values in model.excludes:
        if all(params.get(name, model.params[name].default) == value for name, value in values.items()):
            first, *others = values
            action = ", ".join(f"{name}: {values[name]}" for name in others)
            raise ValidationFailed.for_field(f"params.{first}", ProblemCode.NOT_WITH_ACTION(action=action))
    if request.mask is not None and not any(document.mentions(operation, n) for n in ("mask", "images")):
        raise ValidationFailed.for_field("mask", DocumentCode.NO_MASK(model=model.id))
    model.limits.check(request.named_inputs)
