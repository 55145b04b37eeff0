"""Tencent Cloud's TC3-HMAC-SHA256, https://cloud.tencent.com/document/api/213/30654."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from imagegen_adapters.providers.http.signers.requests import KeyPair, SignableRequest

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
