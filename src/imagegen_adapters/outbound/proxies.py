"""The proxy of a provider, which the operator sets in ``extra_config.proxy``."""

import httpcore
import httpx

from imagegen_adapters.outbound.messages import TransportCode
from imagegen_core.config import ProviderConfig, Proxy
from imagegen_core.errors import CallError, FailureCode, ValidationFailed


def proxy_of(config: ProviderConfig) -> Proxy | None:
    """Return the proxy for this provider's calls, or None.

    Raises:
        CallError: ``provider_not_configured``: a version before this one has stored what is not one.
    """
    text = config.extra_config.get("proxy")
    if text is None or text == "":
        return None
    try:
        return Proxy.parse(text)
    except ValidationFailed as error:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.PROXY_NOT_HTTP()) from error


def to_httpcore(proxy: Proxy) -> httpcore.Proxy:
    """Return the proxy in httpcore's form.

    Raises:
        CallError: ``provider_not_configured``: its name is not one that can be looked up.
    """
    auth = (proxy.user.encode(), proxy.password.encode()) if proxy.user or proxy.password else None
    try:
        url = httpx.URL(scheme=proxy.origin.scheme, host=proxy.origin.host)
    except httpx.InvalidURL as error:
        raise CallError(FailureCode.PROVIDER_NOT_CONFIGURED, TransportCode.PROXY_NOT_HTTP()) from error
    address = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=proxy.origin.port, target=b"/")
    return httpcore.Proxy(address, auth=auth)
