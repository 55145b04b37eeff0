"""Where and how a request carries the key."""

from collections.abc import Mapping
from enum import StrEnum

import attrs


class AuthType(StrEnum):
    """Where the key is sent."""

    NONE = "none"
    BEARER = "bearer"
    HEADER = "header"
    QUERY = "query"
    BASIC = "basic"
    SIGNER = "signer"


@attrs.frozen(kw_only=True)
class Auth:
    """How a request is authenticated."""

    type: AuthType = AuthType.BEARER
    optional: bool = False
    header: str = "Authorization"
    prefix: str = ""
    param: str = "key"
    username: str | None = None
    signer: str | None = None
    options: Mapping[str, str] = attrs.field(factory=dict)
