"""A JSON Web Token (RFC 7519) that names the access key and is signed with the secret one, HS256."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from imagegen_adapters.providers.http.signers.requests import KeyPair, SignableRequest

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
