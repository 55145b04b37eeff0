"""Sends requests with the provider's key, and decides which URLs of a response may get it.

The key goes to the origin that it was configured for, to ``egress.allow_hosts`` if that origin is the
provider's own, and for a login to ``token_url``; nowhere else.
"""

import asyncio
import contextlib
import hashlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.outbound.errors import map_transport_errors
from imagegen_adapters.outbound.transport import PAID
from imagegen_adapters.providers.common.calls import (
    ResponseCode,
    as_object,
    basic_auth,
    call_timeout,
    json_or_none,
    malformed_key,
    parse_retry_after,
    parse_seconds,
    read_at_most,
    shorten,
    streamed_response,
    without_secret,
)
from imagegen_adapters.providers.common.images import Body
from imagegen_adapters.providers.document.expressions import DocumentCode, UpstreamResponse
from imagegen_adapters.providers.document.operations import OAUTH, Auth
from imagegen_adapters.providers.document.requests import BuiltRequest, unsendable
from imagegen_adapters.providers.document.responses import (
    Classification,
    PartialResponse,
    classify,
    read_head,
)
from imagegen_adapters.providers.document.schema import Document
from imagegen_core.config import ProviderConfig, origin
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, upstream_text
from imagegen_core.ports.provider import Exchange
from imagegen_core.ports.tools import Clock
from imagegen_core.secrets import Redactor, Secret

KEY_FORM = "client_id:client_secret"
# A response with this extension refuses an access token that was accepted before
TOKEN_REFUSED = "imagegen_refused"  # noqa: S105 - a name

_MAX_SIGNED_BYTES = 32 * 1024 * 1024  # a signer hashes the whole body in memory
_MAX_LOGINS = 64
_MAX_LOGIN_SECONDS = 4.0  # it is a part of the paid call, which a longer one would cut off
_DEFAULT_LIFE_SECONDS = 300
_MAX_LIFE_SECONDS = 86_400
_MARGIN_SECONDS = 60
_TOKEN = re.compile(r"[!-~]{1,16384}")


# Addresses


def same_origin(url: str, config: ProviderConfig) -> bool:
    """Return whether the URL has the origin that the key was configured for."""
    try:
        return config.api_base is not None and origin(url) == origin(config.api_base)
    except ValueError:
        return False


def key_hosts(document: Document, api_base: str | None) -> tuple[str, ...]:
    """Return the hosts that get the key beside ``api_base``.

    They get it only once that is the provider's own address, and say so until then: the text has to change
    when the key reaches further though the list is the same.
    """
    hosts = document.egress.allow_hosts
    if _is_upstream_host(document, api_base):
        return hosts
    return tuple(f"{host}, once api_base is the provider's own" for host in hosts)


def follow(url: str, base: str, document: Document, config: ProviderConfig) -> str:
    """Return a response's URL as an absolute one that may get the key.

    It has the configured origin. If that is the provider's own, so may ``allow_hosts`` by https on port 443.
    """
    absolute = absolute_url(url, base)
    if same_origin(absolute, config):
        return absolute
    host = ""
    with contextlib.suppress(ValueError):
        parts, port = urlsplit(absolute), urlsplit(absolute).port
        host = (parts.hostname or "").lower().rstrip(".")
        is_https = parts.scheme == "https" and port in (None, 443) and "@" not in parts.netloc
        is_listed = _matches_any(host, document.egress.allow_hosts)
        if is_https and is_listed and _is_upstream_host(document, config.api_base):
            return absolute
    reason = DocumentCode.DOCUMENT_SENT_ELSEWHERE(host=host or DocumentCode.DOCUMENT_NO_ADDRESS())
    raise CallError(FailureCode.BAD_RESPONSE, reason)


def check_download(url: str, document: Document, config: ProviderConfig) -> None:
    """Refuse a result on another host than the document lists."""
    hosts, host = document.egress.download_hosts, (urlsplit(url).hostname or "").lower()
    if hosts and not same_origin(url, config) and not _matches_any(host, hosts):
        raise CallError(FailureCode.DOWNLOAD_FAILED, DocumentCode.DOCUMENT_HOST_NOT_LISTED(host=host))


def absolute_url(url: str, base: str) -> str:
    try:
        return urljoin(base, url.strip())
    except ValueError as error:
        raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_ADDRESS_MALFORMED()) from error


def _is_upstream_host(document: Document, api_base: str | None) -> bool:
    upstream, host = (urlsplit(url or "").hostname or "" for url in (document.base_url, api_base))
    return _matches_any(host, document.egress.allow_hosts) or (host == upstream != "")


def _matches_any(host: str, patterns: tuple[str, ...]) -> bool:
    return any(host.endswith(p[1:]) if p.startswith("*.") else host == p for p in patterns)


# Access tokens for OAuth's client credentials (RFC 6749, 4.4), kept until shortly before their end


class NoAccessToken(CallError):
    """No token came, so the request was not sent and nothing was started."""


@attrs.define(eq=False)
class AccessToken:
    """A token until ``ends`` on the clock, and whether the provider has ``accepted`` or ``refused`` it."""

    secret: Secret
    ends: float
    accepted: bool = False
    refused: bool = False

    def judge(self, response: httpx.Response) -> bool:
        """Return whether a token that once worked is refused, so that a new one may work."""
        self.accepted = self.accepted or response.is_success
        self.refused = response.status_code == httpx.codes.UNAUTHORIZED
        return self.refused and self.accepted


@attrs.define(eq=False)
class _Login:
    """One login: its token, and the error of the latest fetch, if that failed."""

    token: AccessToken | None = None
    error: NoAccessToken | None = None
    fetches: int = 0
    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)


class AccessTokens:
    """The tokens of all logins: fetched one at a time for each, and shared until they end or are refused."""

    def __init__(self, outbound: Outbound, clock: Clock, redactor: Redactor) -> None:
        self._outbound, self._clock, self._redactor = outbound, clock, redactor
        self._logins: dict[str, _Login] = {}

    async def get(self, config: ProviderConfig, auth: Auth) -> AccessToken:
        """Return a valid token. Callers that waited for a fetch that failed get its error."""
        name = _name(config, auth)
        login = self._logins[name] = self._logins.pop(name, _Login())
        if len(self._logins) > _MAX_LOGINS:
            del self._logins[next(iter(self._logins))]
        fetches = login.fetches
        async with login.lock:
            if login.error is not None and login.fetches != fetches:
                raise login.error
            token = login.token
            if token is None or token.refused or token.ends <= self._clock.monotonic():
                login.error = None
                try:
                    new_token = await self._fetch(config, auth)
                    if token is not None:
                        token.secret.give_to(self._redactor.forget)
                    token = login.token = new_token
                except NoAccessToken as error:
                    login.error = error
                    raise
                finally:
                    login.fetches += 1
            token.secret.give_to(self._redactor.register)
            return token

    def latest(self, config: ProviderConfig, auth: Auth) -> Secret | None:
        """Return the token that was sent last, which no message may repeat."""
        login = self._logins.get(_name(config, auth))
        return None if login is None or login.token is None else login.token.secret

    async def _fetch(self, config: ProviderConfig, auth: Auth) -> AccessToken:
        request = _request(config, auth, self._outbound.api_headers)
        try:
            client = self._outbound.api_client(config, extra_origins=(str(request.url),))
            async with streamed_response(client, request) as response:
                body = await read_at_most(response)
        except CallError as error:
            is_refused = error.failure.code is FailureCode.PROVIDER_NOT_CONFIGURED
            code = error.failure.code if is_refused else FailureCode.UNAVAILABLE
            raise _no_token(code, error.reason) from error
        tree = as_object(json_or_none(body))
        if not response.is_success:
            wait = parse_retry_after(response.headers.get("retry-after"), self._clock.now())
            raise _refusal(response.status_code, tree, config, wait)
        text = tree.get("access_token")
        if not isinstance(text, str) or not _TOKEN.fullmatch(text):
            raise _no_token(FailureCode.AUTH_FAILED, DocumentCode.DOCUMENT_NO_TOKEN())
        life = _lifetime(tree.get("expires_in"))
        ends = self._clock.monotonic() + life - min(_MARGIN_SECONDS, life / 2)
        return AccessToken(secret=Secret(text), ends=ends)


def _name(config: ProviderConfig, auth: Auth) -> str:
    """Return the cache key of a login; the API key is in it only as a digest."""
    fields = (auth.token_url, auth.scope, auth.client_auth, sorted(auth.options.items()))
    key = "" if config.api_key is None else config.api_key.reveal()
    place = (config.api_base, config.extra_config.get("proxy"))
    return hashlib.sha256(json.dumps([fields, place, key]).encode()).hexdigest()


def _request(config: ProviderConfig, auth: Auth, headers: Mapping[str, str]) -> httpx.Request:
    key = "" if config.api_key is None else config.api_key.reveal()
    client_id, colon, client_secret = key.partition(":")
    if not (colon and client_id and client_secret):
        raise _no_token(FailureCode.AUTH_FAILED, malformed_key(KEY_FORM))
    scope = {"scope": auth.scope} if auth.scope else {}
    form = {"grant_type": "client_credentials", **scope, **auth.options}
    headers = {**headers, "accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    if auth.client_auth == "client_secret_basic":
        headers |= basic_auth(f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}")
    else:
        form |= {"client_id": client_id, "client_secret": client_secret}
    seconds = min(_MAX_LOGIN_SECONDS, config.timeout)
    return httpx.Request(
        "POST",
        str(auth.token_url),
        headers=headers,
        content=urlencode(form).encode(),
        extensions={"timeout": call_timeout(seconds).as_dict(), PAID: False},
    )


def _refusal(
    status: int, tree: Mapping[str, Any], config: ProviderConfig, retry_after: float | None
) -> NoAccessToken:
    """Return the error of an answer without a token; what it says is shown without the secret."""
    may_pass = status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(status)
    texts = (tree.get(name) for name in ("error", "error_description"))
    message = ": ".join(text for text in texts if isinstance(text, str))
    message = without_secret(message, config.api_key)
    reason = upstream_text(shorten(message)) if message else ResponseCode.RESPONSE_STATUS(status=status)
    code = FailureCode.UNAVAILABLE if may_pass else FailureCode.AUTH_FAILED
    return _no_token(code, reason, retry_after=retry_after)


def _no_token(code: FailureCode, reason: Message, *, retry_after: float | None = None) -> NoAccessToken:
    """Return the error; only trouble that may pass lets the call be sent again."""
    return NoAccessToken(
        code,
        DocumentCode.DOCUMENT_LOGIN_FAILED(reason=reason),
        not_started=code is FailureCode.UNAVAILABLE,
        retry_after=retry_after,
        possible_charge=False,
    )


def _lifetime(value: Any) -> float:
    """Return the seconds that a token is valid; some write the number as text, and some none."""
    if isinstance(value, str):
        value = parse_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return _DEFAULT_LIFE_SECONDS
    return min(value, _MAX_LIFE_SECONDS)


# Sending


@attrs.frozen(kw_only=True)
class Sender:
    """Signs and sends one provider's requests, and reads the responses by its document."""

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
        key = secret.reveal()
        if auth.type == "header":
            return {auth.header.lower(): f"{auth.prefix}{key}"}, None
        if auth.type == "basic":
            return basic_auth(key if auth.username is None else f"{auth.username}:{key}"), None
        return {"authorization": f"Bearer {key}"}, token

    async def read(self, response: httpx.Response) -> PartialResponse:
        return await read_head(response, self.secret, self.skipped)

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
        (credentials, token), url, body = await self.credentials(), request.url, request.body
        auth, key = self.document.auth, self.config.api_key
        if auth.type == "query" and key is not None:
            url += f"{'&' if '?' in url else '?'}{urlencode({auth.param: key.reveal()})}"
        signer = auth.signing
        is_hashed = signer is not None and signer.reads_body
        content: bytes | AsyncGenerator[bytes, None] | None = None
        if body is not None:
            if is_hashed and body.length > _MAX_SIGNED_BYTES:
                raise unsendable(DocumentCode.DOCUMENT_REQUEST_TOO_LARGE())
            is_streamed = body.has_images and not is_hashed
            content = self._upload(body, exchange) if is_streamed else await body.whole(exchange)
        length = {} if body is None else {"content-length": str(body.length)}
        try:
            http_request = httpx.Request(
                request.method,
                url,
                headers={**self.outbound.api_headers, **request.headers, **length, **credentials},
                content=content,
                extensions={"timeout": call_timeout(seconds).as_dict(), PAID: exchange is not None},
            )
        except httpx.InvalidURL as error:  # too long, or with invalid characters
            raise unsendable(DocumentCode.DOCUMENT_ADDRESS_UNUSABLE()) from error
        if signer is not None and key is not None:
            signature = signer.headers(http_request, key.reveal(), auth.options, self.clock.now())
            http_request.headers.update(signature)
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

    async def _upload(self, body: Body, exchange: Exchange | None) -> AsyncGenerator[bytes, None]:
        async with self.uploads:
            async for block in body.stream(exchange):
                yield block
