"""What is signed, and with what."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from urllib.parse import parse_qsl, quote, urlsplit

import attrs

from imagegen_adapters.providers.common.calls import malformed_key
from imagegen_adapters.providers.document.words import Malformed


@attrs.frozen(kw_only=True)
class SignableRequest:
    """A request as it will be sent; ``headers`` are by lower-case name."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@attrs.frozen(kw_only=True)
class KeyPair:
    """A key of two parts: ``id`` is sent, ``secret`` only signs; the ``token`` of a temporary one is sent."""

    id: str
    secret: str = attrs.field(repr=False)
    token: str | None = attrs.field(default=None, repr=False)


_HEADER = {"alg": "HS256", "typ": "JWT"}
_LIFETIME_SECONDS = 1800
_SKEW_SECONDS = 60


def sign_jwt(
    _request: SignableRequest, key: KeyPair, _options: Mapping[str, str], now: datetime
) -> Mapping[str, str]:
    """Return ``Authorization`` with a token of this request's own.

    It is valid for half an hour, and from a minute ago, for a provider whose clock is behind ours.
    """
    issued = int(now.timestamp())
    claims = {
        "iss": key.id,
        "exp": issued + _LIFETIME_SECONDS,
        "nbf": issued - _SKEW_SECONDS,
    }
    signed = f"{_encoded(_json(_HEADER))}.{_encoded(_json(claims))}"
    signature = hmac.new(key.secret.encode(), signed.encode(), hashlib.sha256).digest()
    return {"Authorization": f"Bearer {signed}.{_encoded(signature)}"}


def _json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@attrs.frozen(kw_only=True)
class SignatureV4:
    """One provider's names; ``digest_header`` has the body's digest, if the provider wants it.

    ``options.region`` and ``options.service`` say what the key of the day is for.
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
        self, request: SignableRequest, key: KeyPair, options: Mapping[str, str], now: datetime
    ) -> Mapping[str, str]:
        """Return ``Authorization`` and the headers that it signs."""
        time = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(request.body).hexdigest()
        added = {self.date_header: time}
        if self.digest_header is not None:
            added[self.digest_header] = digest
        if key.token is not None:
            added[self.token_header] = key.token
        parts = urlsplit(request.url)
        own = ("content-type", *(n for n in request.headers if n.startswith(self.signed_prefix)))
        signed = {name: request.headers[name] for name in own if name in request.headers}
        signed |= {"host": parts.netloc, **added}
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{' '.join(signed[name].split())}\n" for name in sorted(signed))
        path = re.sub("/{2,}", "/", parts.path) or "/"
        path = quote(path, safe="/~") if self.encodes_path_again else path
        canonical = "\n".join((request.method, path, _query(parts.query), lines, names, digest))
        scope = (time[:8], options["region"], options["service"], self.ending)
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        text = "\n".join((self.algorithm, time, "/".join(scope), hashed))
        derived = f"{self.key_prefix}{key.secret}".encode()
        for part in (*scope, text):
            derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
        credential = "/".join((key.id, *scope))
        authorization = f"Credential={credential}, SignedHeaders={names}, Signature={derived.hex()}"
        return {**added, "Authorization": f"{self.algorithm} {authorization}"}


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join("=".join(pair) for pair in sorted((quote(n, "-_.~"), quote(v, "-_.~")) for n, v in pairs))


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
_ALGORITHM = "TC3-HMAC-SHA256"
_SIGNED = "content-type;host"


def sign_tc3(
    request: SignableRequest, key: KeyPair, options: Mapping[str, str], now: datetime
) -> Mapping[str, str]:
    """Return ``Authorization`` and ``X-TC-Timestamp``.

    ``options.service`` is the product, such as ``hunyuan``.
    """
    service = options.get("service", "hunyuan")
    timestamp = str(int(now.timestamp()))
    day = now.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    hashed = hashlib.sha256(_canonical(request).encode()).hexdigest()
    text = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{hashed}"
    derived = f"TC3{key.secret}".encode()
    for part in (day, service, "tc3_request"):
        derived = hmac.new(derived, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(derived, text.encode(), hashlib.sha256).hexdigest()
    return {
        "Authorization": (
            f"{_ALGORITHM} Credential={key.id}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
        ),
        "X-TC-Timestamp": timestamp,
    }


def _canonical(request: SignableRequest) -> str:
    parts = urlsplit(request.url)
    headers = f"content-type:{request.headers['content-type']}\nhost:{parts.netloc.lower()}\n"
    payload = hashlib.sha256(request.body).hexdigest()
    return "\n".join((request.method, parts.path or "/", parts.query, headers, _SIGNED, payload))


Sign = Callable[[SignableRequest, KeyPair, Mapping[str, str], datetime], Mapping[str, str]]
"""Returns the headers that authenticate a request; the texts are the document's ``auth.options``."""


@attrs.frozen(kw_only=True)
class Signer:
    """How requests are signed, and ``key_form``, which shows people the form of the key.

    ``options`` are those that a document must give. A key that ``may_have_token`` may have a third part.
    What ``reads_body`` gets the whole of it; for another one a body is sent as it is read.
    """

    sign: Sign
    key_form: str
    options: tuple[str, ...] = ()
    may_have_token: bool = False
    reads_body: bool = True

    def headers(
        self, request: SignableRequest, key: str, options: Mapping[str, str], now: datetime
    ) -> Mapping[str, str]:
        """Return the headers that authenticate a request."""
        key_id, _, secret = key.partition(":")
        token: str | None = None
        if self.may_have_token and ":" in secret:
            secret, _, token = secret.partition(":")
        if not (key_id and secret) or token == "":
            raise Malformed(malformed_key(self.key_form))
        return self.sign(request, KeyPair(id=key_id, secret=secret, token=token), options, now)


SIGNERS: Mapping[str, Signer] = MappingProxyType(
    {
        "jwt_hs256": Signer(sign=sign_jwt, key_form="AccessKey:SecretKey", reads_body=False),
        "aws_sigv4": Signer(
            sign=AWS.sign,
            key_form="AccessKeyId:SecretAccessKey[:SessionToken]",
            options=("region", "service"),
            may_have_token=True,
        ),
        "volcengine": Signer(
            sign=VOLCENGINE.sign,
            key_form="AccessKeyId:SecretAccessKey[:SessionToken]",
            options=("region", "service"),
            may_have_token=True,
        ),
        "tencent_tc3": Signer(sign=sign_tc3, key_form="SecretId:SecretKey"),
    }
)
"""All signers by the name that documents use."""
