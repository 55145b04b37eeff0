"""The proxy of a provider, which the operator sets in ``extra_config.proxy``."""

from urllib.parse import unquote

import httpcore
import httpx

from imagegen_core.errors import CallError
from imagegen_core.failures import FailureCode
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
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, "extra_config.proxy is not a URL") from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, "extra_config.proxy must be an http(s) URL")
    return url


def to_httpcore(url: httpx.URL) -> httpcore.Proxy:
    """Return the proxy in httpcore's form, with the credentials separate from the address."""
    auth = (unquote(url.username), unquote(url.password)) if url.username or url.password else None
    return httpcore.Proxy(
        httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"), auth=auth
    )
