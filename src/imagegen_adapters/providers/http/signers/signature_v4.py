"""Signatures over method, path, query, headers and body with a key of the day: AWS, and Volcengine after it.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html and
https://www.volcengine.com/docs/6369/67269. Amazon S3 alone encodes paths otherwise.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

import attrs

from imagegen_adapters.providers.http.signers.requests import KeyPair, SignableRequest


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
