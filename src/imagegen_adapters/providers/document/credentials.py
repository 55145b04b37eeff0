"""How requests are authenticated: by signatures, or by the tokens of a login.

A signer is a pure function of the request as it will be sent. To add one, write it here and add a line to
`SIGNERS`.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import attrs
import httpx

from imagegen_adapters.outbound.client import Outbound
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
from imagegen_adapters.providers.document.expressions import DocumentCode
from imagegen_adapters.providers.document.operations import IS_API_BASE, IS_NAME, Found, header_problem
from imagegen_core.config import ProviderConfig, check_api_base, is_loopback
from imagegen_core.errors import CallError, FailureCode
from imagegen_core.messages import Message, ProblemCode, upstream_text
from imagegen_core.ports.tools import Clock
from imagegen_core.secrets import Redactor, Secret

OAUTH = "oauth_client_credentials"
AuthType = Literal["none", "bearer", "header", "query", "basic", "signer", "oauth_client_credentials"]
KEY_FORM = "client_id:client_secret"
_LIFETIME_SECONDS = 1800
_SKEW_SECONDS = 60
_MAX_LOGINS = 64
_MAX_LOGIN_SECONDS = 4.0  # it is a part of the paid call, which a longer one would cut off
_DEFAULT_LIFE_SECONDS = 300
_MAX_LIFE_SECONDS = 86_400
_MARGIN_SECONDS = 60
_TOKEN = re.compile(r"[!-~]{1,16384}")


# Signatures that fixed headers cannot express; ``auth: {type: signer, signer: …}`` names one


@attrs.frozen(kw_only=True)
class KeyPair:
    """A key of two parts: ``id`` is sent, ``secret`` only signs; the ``token`` of a temporary one is sent."""

    id: str
    secret: str = attrs.field(repr=False)
    token: str | None = attrs.field(default=None, repr=False)


Sign = Callable[[httpx.Request, KeyPair, Mapping[str, str], datetime], Mapping[str, str]]


@attrs.frozen(kw_only=True)
class Signer:
    """How requests are signed; ``key_form`` shows people the form of the key."""

    sign: Sign
    key_form: str
    options: tuple[str, ...] = ()  # which a document must give
    may_have_token: bool = False  # as the third part of the key
    reads_body: bool = True  # needs the whole body; else that is sent as it is read

    def headers(
        self, request: httpx.Request, key: str, options: Mapping[str, str], now: datetime
    ) -> Mapping[str, str]:
        """Return the headers that authenticate a request. An error does not show the key."""
        key_id, _, secret = key.partition(":")
        token: str | None = None
        if self.may_have_token and ":" in secret:
            secret, _, token = secret.partition(":")
        if not (key_id and secret) or token == "":
            raise CallError(FailureCode.AUTH_FAILED, malformed_key(self.key_form))
        return self.sign(request, KeyPair(id=key_id, secret=secret, token=token), options, now)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _derived(key: str, parts: Iterable[str]) -> bytes:
    """Return the last of a chain of HMACs, each keyed with the one before."""
    derived = key.encode()
    for part in parts:
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    return derived


def sign_jwt(
    _request: httpx.Request, key: KeyPair, _options: Mapping[str, str], now: datetime
) -> Mapping[str, str]:
    """Return a token (RFC 7519) for half an hour; it begins a minute ago, as provider clocks may be late."""
    issued = int(now.timestamp())
    claims = {"iss": key.id, "exp": issued + _LIFETIME_SECONDS, "nbf": issued - _SKEW_SECONDS}
    texts = (json.dumps(part, separators=(",", ":")) for part in ({"alg": "HS256", "typ": "JWT"}, claims))
    content = ".".join(_base64(text.encode()) for text in texts)
    return {"Authorization": f"Bearer {content}.{_base64(_derived(key.secret, [content]))}"}


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@attrs.frozen(kw_only=True)
class SignatureV4:
    """A signature with a key of the day, by AWS and those who follow it; the fields are one provider's names.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
    https://www.volcengine.com/docs/6369/67269. Amazon S3 alone encodes paths otherwise.
    """

    algorithm: str
    key_prefix: str
    ending: str
    date_header: str
    token_header: str
    digest_header: str | None
    signed_prefix: str
    encodes_path_again: bool

    def sign(
        self, request: httpx.Request, key: KeyPair, options: Mapping[str, str], now: datetime
    ) -> Mapping[str, str]:
        time = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = _sha256(request.content)
        added = {self.date_header: time}
        if self.digest_header is not None:
            added[self.digest_header] = digest
        if key.token is not None:
            added[self.token_header] = key.token
        parts = urlsplit(str(request.url))
        own = ("content-type", *(n for n in request.headers if n.startswith(self.signed_prefix)))
        headers = {name: request.headers[name] for name in own if name in request.headers}
        headers |= {"host": parts.netloc, **added}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
        path = re.sub("/{2,}", "/", parts.path) or "/"
        path = quote(path, safe="/~") if self.encodes_path_again else path
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        quoted = sorted((quote(name, "-_.~"), quote(value, "-_.~")) for name, value in pairs)
        query = "&".join(map("=".join, quoted))
        canonical = f"{request.method}\n{path}\n{query}\n{lines}\n{names}\n{digest}"
        scope = (time[:8], options["region"], options["service"], self.ending)
        text = "\n".join((self.algorithm, time, "/".join(scope), _sha256(canonical.encode())))
        signature = _derived(f"{self.key_prefix}{key.secret}", (*scope, text)).hex()
        credential = "/".join((key.id, *scope))
        authorization = f"Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return {**added, "Authorization": f"{self.algorithm} {authorization}"}


AWS = SignatureV4(
    algorithm="AWS4-HMAC-SHA256",
    key_prefix="AWS4",
    ending="aws4_request",
    date_header="x-amz-date",
    token_header="x-amz-security-token",  # noqa: S106 - the name of a header
    digest_header=None,
    signed_prefix="x-amz-",
    encodes_path_again=True,
)
VOLCENGINE = SignatureV4(
    algorithm="HMAC-SHA256",
    key_prefix="",
    ending="request",
    date_header="x-date",
    token_header="x-security-token",  # noqa: S106 - the name of a header
    digest_header="x-content-sha256",
    signed_prefix="x-",
    encodes_path_again=False,
)


def sign_tc3(
    request: httpx.Request, key: KeyPair, options: Mapping[str, str], now: datetime
) -> Mapping[str, str]:
    """Sign as https://cloud.tencent.com/document/api/213/30654; ``options.service`` is the product."""
    timestamp = str(int(now.timestamp()))
    scope = (now.astimezone(UTC).strftime("%Y-%m-%d"), options.get("service", "hunyuan"), "tc3_request")
    parts = urlsplit(str(request.url))
    names = "content-type;host"
    headers = f"content-type:{request.headers['content-type']}\nhost:{parts.netloc.lower()}\n"
    lines = (request.method, parts.path or "/", parts.query, headers, names, _sha256(request.content))
    digest = _sha256("\n".join(lines).encode())
    text = "\n".join(("TC3-HMAC-SHA256", timestamp, "/".join(scope), digest))
    signature = _derived(f"TC3{key.secret}", (*scope, text)).hex()
    credential = "/".join((key.id, *scope))
    authorization = f"Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {"Authorization": f"TC3-HMAC-SHA256 {authorization}", "X-TC-Timestamp": timestamp}


_V4 = partial(Signer, key_form="AccessKeyId:SecretAccessKey[:SessionToken]", options=("region", "service"))

SIGNERS: Mapping[str, Signer] = {
    "jwt_hs256": Signer(sign=sign_jwt, key_form="AccessKey:SecretKey", reads_body=False),
    "aws_sigv4": _V4(sign=AWS.sign, may_have_token=True),
    "volcengine": _V4(sign=VOLCENGINE.sign, may_have_token=True),
    "tencent_tc3": Signer(sign=sign_tc3, key_form="SecretId:SecretKey"),
}


# What a document says


@attrs.frozen(kw_only=True)
class Auth:
    """How a request is authenticated; a login sends ``scope`` and ``options`` to ``token_url``."""

    type: AuthType = "bearer"
    optional: bool = False
    header: str = "Authorization"
    prefix: str = ""
    param: str = "key"
    username: str | None = None
    signer: str | None = None
    token_url: str | None = None
    scope: str = ""
    client_auth: Literal["client_secret_post", "client_secret_basic"] = "client_secret_post"
    options: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def signing(self) -> Signer | None:
        return SIGNERS.get(self.signer or "") if self.type == "signer" else None

    @property
    def key_form(self) -> str | None:
        """How a key of two parts is written; None of any other."""
        form = None if self.signing is None else self.signing.key_form
        return KEY_FORM if self.type == OAUTH else form

    def problems(self) -> Found:
        if reason := header_problem(self.header):
            yield "header", reason
        if self.type == OAUTH:
            # The secret is sent there, so it must be encrypted.
            if reason := IS_API_BASE(self.token_url or ""):
                yield "token_url", reason
                return
            url = urlsplit(check_api_base(self.token_url or ""))
            if url.scheme != "https" and not is_loopback(url.hostname or ""):
                yield "token_url", DocumentCode.NOT_ENCRYPTED()
        elif self.signing is not None:
            for name in self.signing.options:
                if reason := IS_NAME(self.options.get(name, "")):
                    yield f"options.{name}", reason
        elif self.type == "signer":
            yield "signer", ProblemCode.NOT_ONE_OF(choices=tuple(sorted(SIGNERS)))


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
            status, wait = response.status_code, response.headers.get("retry-after")
            may_pass = status == httpx.codes.TOO_MANY_REQUESTS or httpx.codes.is_server_error(status)
            texts = (tree.get(name) for name in ("error", "error_description"))
            message = ": ".join(text for text in texts if isinstance(text, str))
            message = shorten(without_secret(message, config.api_key))
            raise _no_token(
                FailureCode.UNAVAILABLE if may_pass else FailureCode.AUTH_FAILED,
                upstream_text(message) if message else ResponseCode.RESPONSE_STATUS(status=status),
                retry_after=parse_retry_after(wait, self._clock.now()),
            )
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
