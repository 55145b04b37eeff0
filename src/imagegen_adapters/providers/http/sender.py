"""Sends a built request, signed or with the provider's key."""

import asyncio
import base64
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import attrs
import httpx

from imagegen_adapters.outbound import PAID, Outbound, map_transport_errors
from imagegen_adapters.providers.call_limits import call_timeout
from imagegen_adapters.providers.http.access_tokens import AccessToken, AccessTokens
from imagegen_adapters.providers.http.bodies import ReadInput
from imagegen_adapters.providers.http.inputs import InputPart
from imagegen_adapters.providers.http.messages import DocumentCode, Malformed
from imagegen_adapters.providers.http.requests import BuiltRequest, too_large
from imagegen_adapters.providers.http.schema.auth import Auth, AuthType
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.signers import SIGNERS, Signer
from imagegen_adapters.providers.http.signers.requests import SignableRequest
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.ports.clock import Clock
from imagegen_core.ports.provider import Exchange
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.providers.secrets import Secret

TOKEN_REFUSED = "imagegen_refused"  # noqa: S105 - a name
"""The extension of a response: the access token was accepted before, and is no longer."""

_MAX_SIGNED_BYTES = 32 * 1024 * 1024
"""A signer hashes the whole body in memory."""


@attrs.frozen(kw_only=True)
class Credentials:
    """What authentication adds to a request: headers, and at most one query parameter."""

    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    query: Mapping[str, str] = attrs.field(factory=dict, repr=False)

    @classmethod
    def from_key(cls, secret: Secret | None, auth: Auth) -> "Credentials":
        """Return the authentication by a key or an access token; none without one, or if a signer adds it."""
        if secret is None or auth.type in (AuthType.NONE, AuthType.SIGNER):
            return cls()
        key = secret.reveal()
        if auth.type is AuthType.QUERY:
            return cls(query={auth.param: key})
        if auth.type is AuthType.HEADER:
            return cls(headers={auth.header.lower(): f"{auth.prefix}{key}"})
        if auth.type is AuthType.BASIC:
            pair = key if auth.username is None else f"{auth.username}:{key}"
            return cls(headers={"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"})
        return cls(headers={"authorization": f"Bearer {key}"})

    def url(self, url: str) -> str:
        """Return the URL with the query parameter."""
        return f"{url}{'&' if '?' in url else '?'}{urlencode(self.query)}" if self.query else url


@attrs.frozen(kw_only=True)
class Sender:
    """Signs and sends one provider's requests, and limits how many images are in memory at once.

    ``uploads`` is shared by all calls: an image is read only when its turn to be sent has come.
    """

    outbound: Outbound
    clock: Clock
    document: Document
    config: ProviderConfig
    uploads: asyncio.Semaphore
    tokens: AccessTokens

    @property
    def secret(self) -> Secret | None:
        """What the API gets of the key, or by it, and no message may contain."""
        if self.document.auth.type is AuthType.OAUTH:
            return self.tokens.latest(self.config, self.document.auth)
        return self.config.api_key

    async def credentials(self) -> tuple[Credentials, AccessToken | None]:
        """Return what authenticates a request now, and the access token in it if the provider wants one.

        Raises:
            NoAccessToken: the login failed.
        """
        auth = self.document.auth
        if auth.type is not AuthType.OAUTH or self.config.api_key is None:
            return Credentials.from_key(self.config.api_key, auth), None
        token = await self.tokens.get(self.config, auth)
        return Credentials.from_key(token.secret, auth), token

    @asynccontextmanager
    async def open(
        self,
        request: BuiltRequest,
        exchange: Exchange | None,
        *,
        seconds: float,
        extra_origins: Iterable[str] = (),
    ) -> AsyncIterator[httpx.Response]:
        """Send the request (a paid one if it has an ``exchange``) and yield the response, its body unread.

        A free one whose access token is refused before its end is sent once more with another; of a paid one
        the response has the extension `TOKEN_REFUSED`.

        Raises:
            CallError: it could not be sent, or no response came.
        """
        transport = self.outbound.api_transport(self.config, extra_origins=extra_origins)
        response = await self._send(transport, request, exchange, seconds)
        if TOKEN_REFUSED in response.extensions and exchange is None:
            await response.aclose()
            response = await self._send(transport, request, exchange, seconds)
        try:
            with map_transport_errors():
                yield response
        finally:
            await response.aclose()

    async def _send(
        self,
        transport: httpx.AsyncBaseTransport,
        request: BuiltRequest,
        exchange: Exchange | None,
        seconds: float,
    ) -> httpx.Response:
        read = _reader(exchange)
        credentials, token = await self.credentials()
        try:
            content, headers = await self._content(request, read)
            http_request = httpx.Request(
                request.method,
                credentials.url(request.url),
                headers={**self.outbound.api_headers, **headers, **credentials.headers},
                content=content,
                extensions={"timeout": call_timeout(seconds).as_dict(), PAID: exchange is not None},
            )
        except httpx.InvalidURL as error:  # too long, or with invalid characters
            reason = DocumentCode.DOCUMENT_ADDRESS_UNUSABLE()
            raise CallError(FailureCode.REJECTED, reason, possible_charge=False) from error
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

    async def _content(
        self, request: BuiltRequest, read: ReadInput
    ) -> tuple[bytes | AsyncGenerator[bytes, None] | None, dict[str, str]]:
        headers = dict(request.headers)
        signer = self._signer
        if signer is not None and not signer.reads_body:
            headers |= self._signature(request, b"")
        elif signer is not None:
            if request.body is not None and request.body.length > _MAX_SIGNED_BYTES:
                raise too_large()
            whole = b"" if request.body is None else await request.body.whole(read)
            return whole, {**headers, **self._signature(request, whole)}
        if request.body is None:
            return None, headers
        headers["content-length"] = str(request.body.length)
        if not request.body.has_images:
            return await request.body.whole(read), headers
        return self._upload(request, read), headers

    async def _upload(self, request: BuiltRequest, read: ReadInput) -> AsyncGenerator[bytes, None]:
        async with self.uploads:
            if request.body is not None:
                async for block in request.body.stream(read):
                    yield block

    @property
    def _signer(self) -> Signer | None:
        auth = self.document.auth
        return SIGNERS[auth.signer] if auth.type is AuthType.SIGNER and auth.signer is not None else None

    def _signature(self, request: BuiltRequest, body: bytes) -> Mapping[str, str]:
        signer = self._signer
        if self.config.api_key is None or signer is None:
            return {}
        url = str(httpx.URL(request.url))  # encoded as it will be sent
        signable = SignableRequest(method=request.method, url=url, headers=request.headers, body=body)
        key, options = self.config.api_key.reveal(), self.document.auth.options
        try:
            return signer.headers(signable, key, options, self.clock.now())
        except Malformed as error:
            raise CallError(FailureCode.AUTH_FAILED, error.reason) from error


def _reader(exchange: Exchange | None) -> ReadInput:
    async def read(part: InputPart) -> bytes:
        if part.data is not None:
            return part.data
        if exchange is None:
            raise CallError(FailureCode.INTERNAL, DocumentCode.DOCUMENT_STRAY_IMAGE(), possible_charge=False)
        return await exchange.read_input(part.image)

    return read
