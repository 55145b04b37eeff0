"""The proxy of a provider, which the operator sets in ``extra_config.proxy``."""

from urllib.parse import unquote

import httpcore
import httpx

from imagegen_adapters.outbound.messages import TransportCode
from imagegen_adapters.outbound.origins import parse_url
from imagegen_core.providers.config import ProviderConfig


def proxy_of(config: ProviderConfig) -> httpx.URL | None:
    """Return the URL of the proxy for this provider's calls, or None.

    Raises:
        CallError: ``provider_not_configured``: it is not an http(s) URL; it may contain a password, so the
            message does not repeat it.
    """
    text = config.extra_config.get("proxy")
    if text is None or text == "":
        return None
    return parse_url(text, TransportCode.PROXY_NOT_HTTP)


def to_httpcore(url: httpx.URL) -> httpcore.Proxy:
    """Return the proxy in httpcore's form, with the credentials separate from the address."""
    auth = (unquote(url.username), unquote(url.password)) if url.username or url.password else None
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"), auth=auth
    )
