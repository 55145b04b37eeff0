"""Which addresses that a provider hands out are followed, and which of them with the key."""

from urllib.parse import urljoin, urlsplit

from imagegen_adapters.providers.http.document import Document
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.providers.addresses import origin
from imagegen_core.providers.config import ProviderConfig


def same_origin(url: str, config: ProviderConfig) -> bool:
    """Return whether the address is at the origin that the key was given for."""
    try:
        return config.api_base is not None and origin(url) == origin(config.api_base)
    except ValueError:
        return False


def key_hosts(document: Document, api_base: str | None) -> tuple[str, ...]:
    """Return the hosts that get the key beside ``api_base``.

    While that is not the provider's own address they get nothing, spelled so: a document that makes it
    the provider's own lets the key go further than before, though its list is the same.
    """
    hosts = document.egress.allow_hosts
    if _is_upstream_host(document, api_base):
        return hosts
    return tuple(f"{host}, once api_base is the provider's own" for host in hosts)


def follow(url: str, base: str, document: Document, config: ProviderConfig) -> str:
    """Return an address of the API that the provider handed out, absolute; the key may go there.

    It is at the configured origin, or, as long as that is the provider's own, on one of the document's
    ``egress.allow_hosts`` by https on port 443.

    Raises:
        CallError: ``bad_response``: it is anywhere else.
    """
    absolute = absolute_url(url, base)
    if same_origin(absolute, config):
        return absolute
    try:
        parts = urlsplit(absolute)
        port = parts.port
    except ValueError:
        parts, port = urlsplit("invalid:"), None
    host = (parts.hostname or "").lower().rstrip(".")
    plain = parts.scheme == "https" and port in (None, 443) and "@" not in parts.netloc
    if (
        plain
        and _is_upstream_host(document, config.api_base)
        and _matches_any(host, document.egress.allow_hosts)
    ):
        return absolute
    raise CallError(
        FailureCode.BAD_RESPONSE,
        f"the provider sent us on to {host or 'no address'}, where this key does not belong",
    )


def check_download(url: str, document: Document, config: ProviderConfig) -> None:
    """Let a result's address pass.

    Raises:
        CallError: ``download_failed``: the document names the hosts of results, and this is none of them.
    """
    hosts = document.egress.download_hosts
    host = (urlsplit(url).hostname or "").lower()
    if hosts and not same_origin(url, config) and not _matches_any(host, hosts):
        raise CallError(FailureCode.DOWNLOAD_FAILED, f"{host} is not among the document's download_hosts")


def absolute_url(url: str, base: str) -> str:
    """Return the address, relative ones resolved against the answer's own.

    Raises:
        CallError: ``bad_response``: it is no address.
    """
    try:
        return urljoin(base, url.strip())
    except ValueError as error:
        raise CallError(FailureCode.BAD_RESPONSE, "the provider's answer has a malformed address") from error


def _is_upstream_host(document: Document, api_base: str | None) -> bool:
    own = urlsplit(document.base_url or "").hostname
    here = urlsplit(api_base or "").hostname or ""
    return _matches_any(here, (*document.egress.allow_hosts, *([own] if own else [])))


def _matches_any(host: str, patterns: tuple[str, ...]) -> bool:
    return any(
        host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern for pattern in patterns
    )
