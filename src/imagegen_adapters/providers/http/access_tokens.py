"""Access tokens for OAuth's client credentials (RFC 6749, 4.4), kept until shortly before their end."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

import attrs
import httpx

from imagegen_adapters.outbound import PAID, Outbound, map_transport_errors
from imagegen_adapters.providers.call_limits import call_timeout, read_at_most
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.auth import Auth, ClientAuth
from imagegen_adapters.providers.key_formats import malformed_key
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_adapters.providers.retry_after import parse_retry_after, parse_seconds
from imagegen_adapters.providers.upstream_messages import shorten
from imagegen_adapters.redactors.patterns import PatternRedactor
from imagegen_adapters.redactors.spellings import without
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.messages import Message, upstream_text
from imagegen_core.ports.clock import Clock
from imagegen_core.providers.config import ProviderConfig
from imagegen_core.providers.secrets import Secret

KEY_FORM = "client_id:client_secret"

_MAX_LOGINS = 64
_MAX_SECONDS = 4.0
"""A login is a part of the paid call: a longer one would use up the slack of its time-out, and cut it off."""

_DEFAULT_LIFE_SECONDS = 300
_MAX_LIFE_SECONDS = 86_400
_MARGIN_SECONDS = 60
_MAX_TOKEN_CHARS = 16_384


class NoAccessToken(CallError):
    """No token came, so the request that needed it was not sent and nothing of it was started."""


@attrs.define(eq=False)
class AccessToken:
    """A token until ``ends`` on the clock, and whether the provider has ``accepted`` or ``refused`` it."""

    secret: Secret
    ends: float
    accepted: bool = False
    refused: bool = False

    def judge(self, response: httpx.Response) -> bool:
        """Return whether the response refuses the token though it was accepted before: another one may do.

        One that is refused at once says that the login itself is wrong: a new one would be refused as well.
        """
        self.accepted = self.accepted or response.is_success
        self.refused = response.status_code == httpx.codes.UNAUTHORIZED
        return self.refused and self.accepted


@attrs.define(eq=False)
class _Login:
    """One login: its token, and the error of the latest of the ``fetches`` that ended, if that failed."""

    token: AccessToken | None = None
    error: NoAccessToken | None = None
    fetches: int = 0
    lock: asyncio.Lock = attrs.field(factory=asyncio.Lock)


class AccessTokens:
    """The tokens of all logins: one is fetched at a time for each, and shared until it ends or is refused.

    The redactor knows them meanwhile.
    """

    def __init__(self, outbound: Outbound, clock: Clock, redactor: PatternRedactor) -> None:
        self._outbound = outbound
        self._clock = clock
        self._redactor = redactor
        self._logins: dict[str, _Login] = {}

    async def get(self, config: ProviderConfig, auth: Auth) -> AccessToken:
        """Return a token that is valid for now.

        Raises:
            NoAccessToken: none came; whoever waited for it meanwhile does not ask once more.
        """
        name = _name(config, auth)
        login = self._logins.pop(name) if name in self._logins else _Login()
        self._logins[name] = login
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
                    fetched = await self._fetch(config, auth)
                    if token is not None:
                        token.secret.give_to(self._redactor.forget)
                    token = login.token = fetched
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
            transport = self._outbound.api_transport(config, extra_origins=(str(request.url),))
            with map_transport_errors():
                response = await transport.handle_async_request(request)
                try:
                    body = await read_at_most(response)
                finally:
                    await response.aclose()
        except CallError as error:
            code = error.failure.code
            if code is not FailureCode.PROVIDER_NOT_CONFIGURED:
                code = FailureCode.UNAVAILABLE
            raise _no_token(code, error.reason) from error
        tree = _json(body)
        if not response.is_success:
            wait = parse_retry_after(response.headers.get("retry-after"), self._clock.now())
            raise _refusal(response.status_code, tree, config, retry_after=wait)
        text = tree.get("access_token")
        if not isinstance(text, str) or not 0 < len(text) <= _MAX_TOKEN_CHARS or not _is_sendable(text):
            raise _no_token(FailureCode.AUTH_FAILED, DocumentCode.DOCUMENT_NO_TOKEN())
        life = _life(tree.get("expires_in"))
        ends = self._clock.monotonic() + life - min(_MARGIN_SECONDS, life / 2)
        return AccessToken(secret=Secret(text), ends=ends)


def _name(config: ProviderConfig, auth: Auth) -> str:
    """Return what a login is kept by; the key is in it as a digest only."""
    fields = (auth.token_url, auth.scope, auth.client_auth, sorted(auth.options.items()))
    key = "" if config.api_key is None else config.api_key.reveal()
    place = (config.api_base, config.extra_config.get("proxy"))
    return hashlib.sha256(json.dumps([fields, place, key]).encode()).hexdigest()


def _request(config: ProviderConfig, auth: Auth, headers: Mapping[str, str]) -> httpx.Request:
    key = "" if config.api_key is None else config.api_key.reveal()
    client_id, colon, client_secret = key.partition(":")
    if not (colon and client_id and client_secret):
        raise _no_token(FailureCode.AUTH_FAILED, malformed_key(KEY_FORM))
    form = {
        "grant_type": "client_credentials",
        **({"scope": auth.scope} if auth.scope else {}),
        **auth.options,
    }
    headers = {**headers, "accept": "application/json", "content-type": "application/x-www-form-urlencoded"}
    if auth.client_auth is ClientAuth.BASIC:
        pair = f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"
        headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form |= {"client_id": client_id, "client_secret": client_secret}
    seconds = min(_MAX_SECONDS, config.timeout)
    return httpx.Request(
        "POST",
        str(auth.token_url),
        headers=headers,
        content=urlencode(form).encode(),
        extensions={"timeout": call_timeout(seconds).as_dict(), PAID: False},
    )


def _refusal(
    status: int, tree: Mapping[str, Any], config: ProviderConfig, *, retry_after: float | None
) -> NoAccessToken:
    """Return the error of an answer that is none of a token; what it says is shown without the secret."""
    code = FailureCode.AUTH_FAILED
    if status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(status):
        code = FailureCode.UNAVAILABLE
    words = [text for name in ("error", "error_description") if isinstance(text := tree.get(name), str)]
    message = ": ".join(words)
    if config.api_key is not None:
        message = config.api_key.give_to(partial(without, message))
    status_reason = ResponseCode.RESPONSE_STATUS(status=status)
    reason = upstream_text(shorten(message)) if message else status_reason
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


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return tree if isinstance(tree, Mapping) else {}


def _is_sendable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _life(value: Any) -> float:
    """Return for how many seconds a token is valid; some write the number as text, and some none."""
    if isinstance(value, str):
        value = parse_seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        return _DEFAULT_LIFE_SECONDS
    return min(value, _MAX_LIFE_SECONDS)
