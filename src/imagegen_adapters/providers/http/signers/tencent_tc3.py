"""Tencent Cloud's TC3-HMAC-SHA256, https://cloud.tencent.com/document/api/213/30654."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagegen_adapters.providers.http.messages import Malformed
from imagegen_adapters.providers.key_formats import malformed_key

if TYPE_CHECKING:
    from imagegen_adapters.providers.http.signers import SignableRequest

_ALGORITHM = "TC3-HMAC-SHA256"
_SIGNED = "content-type;host"


def sign_tc3(
    request: "SignableRequest", secret: str, options: Mapping[str, str], now: datetime
) -> Mapping[str, str]:
    """Return ``Authorization`` and ``X-TC-Timestamp``.

    The key is ``SecretId:SecretKey``; ``options.service`` is the product, such as ``hunyuan``.

    Raises:
        ValueError: the key has no colon.
    """
    secret_id, colon, secret_key = secret.partition(":")
    if not (colon and secret_id and secret_key):
        raise Malformed(malformed_key("SecretId:SecretKey"))
    service = options.get("service", "hunyuan")
    timestamp = str(int(now.timestamp()))
    day = now.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    hashed = hashlib.sha256(_canonical(request).encode()).hexdigest()
    text = f"{_ALGORITHM}\n{timestamp}\n{scope}\n{hashed}"
    key = f"TC3{secret_key}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {
        "Authorization": (
            f"{_ALGORITHM} Credential={secret_id}/{scope}, SignedHeaders={_SIGNED}, Signature={signature}"
        ),
        "X-TC-Timestamp": timestamp,
    }


def _canonical(request: "SignableRequest") -> str:
    parts = urlsplit(request.url)
    headers = f"content-type:{request.headers['content-type']}\nhost:{parts.netloc.lower()}\n"
    payload = hashlib.sha256(request.body).hexdigest()
    return "\n".join((request.method, parts.path or "/", parts.query, headers, _SIGNED, payload))
