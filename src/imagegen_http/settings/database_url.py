"""The URL of a PostgreSQL database: what is one, and what of it nobody may see."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, unquote_plus, urlsplit

from imagegen_core.limits import MAX_PORT
from imagegen_core.messages import Message
from imagegen_http.settings.messages import SettingCode

_MASK = "****"
_SECRET_PARAMETERS = frozenset({"password", "sslpassword"})
_PASSWORD = re.compile(r"(?<=://)(?P<user>[^:@/?]*):(?P<password>[^@/?]+)@")
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^:\[\]]*)(?::(?P<port>[0-9]{1,5}))?")

CHOICES: dict[str, tuple[str, ...]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": ("any", "primary", "standby", "prefer-standby", "read-write", "read-only"),
}
"""What these parameters may be."""

PARAMETERS = frozenset(
    {
        *CHOICES,
        *("host", "port", "dbname", "database", "user", "password", "passfile", "service"),
        *("sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version", "krbsrvname", "gsslib"),
        *("search_path", "options"),
    }
)
"""What the driver reads of a URL, and what of the session's settings an operator may want to choose."""


def check_database_url(url: str) -> None:
    """Check that the driver will read of the URL what is meant; it does not complain about everything.

    Raises:
        ValueError: it is none, or has a character that must be escaped.
    """
    parts = urlsplit(url)
    if not url.startswith(("postgresql://", "postgres://")) or not url.isprintable() or "#" in url:
        raise ValueError
    _, _, hosts = parts.netloc.rpartition("@")
    if parts.netloc.count("@") > 1 or any(_port(host) > MAX_PORT for host in hosts.split(",")):
        raise ValueError
    if parts.query and not all("=" in pair for pair in parts.query.split("&")):
        raise ValueError


def parameter_problem(url: str) -> Message | None:
    """Return what is wrong with a parameter of the URL; the driver would say it only of some, and late.

    The name of an unknown one is not quoted: it may be the rest of a password with a question mark.
    """
    for written, value in _parameters(url.partition("?")[2]):
        name = unquote_plus(written)
        if name not in PARAMETERS:
            return SettingCode.DATABASE_PARAMETER_UNKNOWN(choices=tuple(sorted(PARAMETERS)))
        choices = CHOICES.get(name)
        if choices is not None and unquote_plus(value) not in choices:
            return SettingCode.DATABASE_PARAMETER_INVALID(name=name, choices=choices)
    return None


def passwords(url: str) -> Iterator[str]:
    """Yield the secrets in the URL, as they are written there and as they are meant."""
    head, _, query = url.partition("?")
    written = [value for name, value in _parameters(query) if _is_secret(name)]
    if match := _PASSWORD.search(head):
        written.append(match["password"])
    for value in written:
        yield from {value, unquote(value), unquote_plus(value)}


def masked_database_url(url: str) -> str:
    """Return the URL as it may be shown."""
    head, mark, query = url.partition("?")
    parameters = [f"{name}={_MASK if _is_secret(name) else value}" for name, value in _parameters(query)]
    return _PASSWORD.sub(rf"\g<user>:{_MASK}@", head) + mark + "&".join(parameters)


def _port(host: str) -> int:
    match = _HOST.fullmatch(host)
    if match is None:
        raise ValueError
    return int(match["port"] or 0)


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        yield name, value


def _is_secret(name: str) -> bool:
    return unquote_plus(name) in _SECRET_PARAMETERS
