"""What a person who started the service is told: the address to open, and where the token is."""

from collections.abc import Iterator
from pathlib import Path

from imagegen_core.messages import Message, MessageCode
from imagegen_http.settings.schema import Settings
from imagegen_http.settings.shown import TokenPlace

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
_HERE = "localhost"
"""Nobody can open the address of all interfaces; this machine's own is among them."""

_CONTAINER_MARKS = (Path("/run/.containerenv"), Path("/.dockerenv"))


class OpeningCode(MessageCode):
    """How the service is reached."""

    OPEN_AT = "open {addresses:or} in a browser", "请在浏览器中打开 {addresses:or}"
    OPEN_AT_PUBLISHED_PORT = (
        "open {addresses:or} on this container's host, with the port that is published for {port}",
        "请在本容器的宿主机上用浏览器打开 {addresses:or}，端口换成为 {port} 发布的端口",
    )
    TOKEN_IN_FILE = "it asks for the token in the file {path}", "登录令牌在文件 {path} 中"
    TOKEN_IN_VARIABLE = (
        "it asks for the token in the environment variable {name}",
        "登录令牌在环境变量 {name} 中",
    )


def opening_messages(
    settings: Settings, port: int, *, token_place: TokenPlace | None, in_container: bool
) -> Iterator[Message]:
    """Yield what to tell of a service that has begun to listen on the port; nothing if it has no console."""
    if not settings.serves_api:
        return
    addresses = tuple(_addresses(settings, port))
    if in_container and _is_wildcard(settings) and not settings.server.public_url:
        yield OpeningCode.OPEN_AT_PUBLISHED_PORT(addresses=addresses, port=port)
    else:
        yield OpeningCode.OPEN_AT(addresses=addresses)
    if token_place is not None and token_place.file is not None:
        yield OpeningCode.TOKEN_IN_FILE(path=token_place.file)
    elif token_place is not None and token_place.variable is not None:
        yield OpeningCode.TOKEN_IN_VARIABLE(name=token_place.variable)


def is_in_container() -> bool:
    """Return whether Docker or Podman runs this process."""
    return any(mark.exists() for mark in _CONTAINER_MARKS)


def _addresses(settings: Settings, port: int) -> Iterator[str]:
    """Yield the addresses under which the service may be called; it refuses other names."""
    server = settings.server
    if server.public_url:
        yield f"{server.public_url.rstrip('/')}/"
        return
    host = server.host.strip("[]")
    for name in (_HERE, *server.allowed_hosts) if _is_wildcard(settings) else (host,):
        yield f"http://{f'[{name}]' if ':' in name else name}:{port}/"


def _is_wildcard(settings: Settings) -> bool:
    return settings.server.host.strip("[]") in _WILDCARDS
