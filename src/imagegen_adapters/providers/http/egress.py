"""Decides which URLs from responses are followed, and which of them may receive the key."""

from urllib.parse import urljoin, urlsplit

from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.messages import ResponseCode
from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
from imagegen_core.providers.addresses import WEB_PORTS, origin
from imagegen_core.providers.config import ProviderConfig


def same_origin(url: str, config: ProviderConfig) -> bool:
    """Return whether the URL has the origin that the key was configured for."""
    try:
        return config.api_base is not None and origin(url) == origin(config.api_base)
    except ValueError:
        return False


def key_hosts(document: Document, api_base: str | None) -> tuple[str, ...]:
    """Return the hosts that receive the key in addition to ``api_base``.

    Unless that is the provider's own address they receive nothing, and their text says so. The text then
    changes when a document makes ``api_base`` the provider's own, which extends the reach of the key although
    the list of hosts stays the same.
    """
    hosts = document.egress.allow_hosts
    if _is_upstream_host(document, api_base):
        return hosts
    return tuple(f"{host}, once api_base is the provider's own" for host in hosts)


def follow(url: str, base: str, document: Document, config: ProviderConfig) -> str:
    """Return a URL of the API from a response as an absolute one; it may receive the key.

    It has the configured origin, or, if that is the provider's own, one of the document's
    ``egress.allow_hosts`` over https on port 443.

    Raises:
        CallError: ``bad_response``: it leads anywhere else.
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
    is_plain_https = (
        parts.scheme == "https" and port in (None, WEB_PORTS["https"]) and "@" not in parts.netloc
    )
    if (
        is_plain_https
        and _is_upstream_host(document, config.api_base)
        and _matches_any(host, document.egress.allow_hosts)
    ):
        return absolute
    reason = DocumentCode.DOCUMENT_SENT_ELSEWHERE(host=host or DocumentCode.DOCUMENT_NO_ADDRESS())
    raise CallError(FailureCode.BAD_RESPONSE, reason)


def check_download(url: str, document: Document, config: ProviderConfig) -> None:
    """Return if a result may be downloaded from the URL.

    Raises:
        CallError: ``download_failed``: the document lists the hosts of results, and this is not one of them.
    """
    hosts = document.egress.download_hosts
    host = (urlsplit(url).hostname or "").lower()
    if hosts and not same_origin(url, config) and not _matches_any(host, hosts):
        raise CallError(FailureCode.DOWNLOAD_FAILED, DocumentCode.DOCUMENT_HOST_NOT_LISTED(host=host))


def absolute_url(url: str, base: str) -> str:
    """Return the absolute URL; a relative one is resolved against ``base``.

    Raises:
        CallError: ``bad_response``: it is malformed.
    """
    try:
        return urljoin(base, url.strip())
    except ValueError as error:
        raise CallError(FailureCode.BAD_RESPONSE, ResponseCode.RESPONSE_ADDRESS_MALFORMED()) from error


def _is_upstream_host(document: Document, api_base: str | None) -> bool:
    upstream = urlsplit(document.base_url or "").hostname
    host = urlsplit(api_base or "").hostname or ""
    return _matches_any(host, (*document.egress.allow_hosts, *([upstream] if upstream else [])))


def _matches_any(host: str, patterns: tuple[str, ...]) -> bool:
    return any(
        host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern for pattern in patterns
    )
