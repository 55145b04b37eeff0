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
    OAUTH = "oauth_client_credentials"


class ClientAuth(StrEnum):
    """Where a login carries the client's secret."""

    POST = "client_secret_post"
    BASIC = "client_secret_basic"


@attrs.frozen(kw_only=True)
class Auth:
    """How a request is authenticated.

    A login asks ``token_url`` for an access token, with ``scope`` and ``options`` as further fields.
    """

    type: AuthType = AuthType.BEARER
    optional: bool = False
    header: str = "Authorization"
    prefix: str = ""
    param: str = "key"
    username: str | None = None
    signer: str | None = None
    token_url: str | None = None
    scope: str = ""
    client_auth: ClientAuth = ClientAuth.POST
    options: Mapping[str, str] = attrs.field(factory=dict)
