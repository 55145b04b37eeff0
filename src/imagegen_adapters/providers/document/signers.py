"""Signatures that fixed headers cannot express; ``auth: {type: signer, signer: …}`` names one.

A signer is a pure function of the request as it will be sent. To add one, write it here and add a line to
`SIGNERS`.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qsl, quote, urlsplit

import attrs
import httpx

from imagegen_adapters.providers.common.calls import malformed_key
from imagegen_core.errors import CallError, FailureCode

_LIFETIME_SECONDS = 1800
_SKEW_SECONDS = 60


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
