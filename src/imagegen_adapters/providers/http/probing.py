"""Makes an unpaid request to a provider, to see whether address and key work."""

from typing import Any

from imagegen_adapters.providers.http.classification import classify, submit_error
from imagegen_adapters.providers.http.messages import DocumentCode
from imagegen_adapters.providers.http.requests import build_request
from imagegen_adapters.providers.http.responses import parse_response, read_error_response, read_head
from imagegen_adapters.providers.http.schema.document import Document
from imagegen_adapters.providers.http.scope import render_vars
from imagegen_adapters.providers.http.sender import Sender
from imagegen_core.errors import CallError
from imagegen_core.ports.provider import Probe
from imagegen_core.providers.config import ProviderConfig

_MAX_PROBE_SECONDS = 15.0


async def probe_health(document: Document, config: ProviderConfig, sender: Sender) -> Probe:
    """Return the outcome of the document's ``health`` request; without one, that nothing was verified."""
    if document.health is None:
        return Probe(ok=True, detail=DocumentCode.DOCUMENT_NOT_PROBED(), verified=False)
    names: dict[str, Any] = {
        "base_url": config.api_base,
        "params": {},
        "model_vars": {},
        "task": {},
        "vars": {},
    }
    try:
        names["vars"] = render_vars(document, names)
        request = build_request(document.health.request, document, config, names)
        async with sender.open(request, None, seconds=min(_MAX_PROBE_SECONDS, config.timeout)) as response:
            if not response.is_success:
                upstream_response = await read_error_response(response, sender.secret)
                error = submit_error(
                    classify(upstream_response, document.errors, sender.clock.now()), upstream_response
                )
                reason = error.failure.reason
                return Probe(
                    ok=False,
                    detail=DocumentCode.DOCUMENT_PROBE_STATUS(status=upstream_response.status, reason=reason),
                )
            partial = await read_head(response)
    except CallError as error:
        return Probe(ok=False, detail=error.failure.reason)
    upstream_response = parse_response(
        partial.status, partial.headers, partial.head if partial.is_complete else b"{}", sender.secret
    )
    ok_if = document.health.ok_if
    if ok_if is not None and not upstream_response.holds(ok_if):
        refusal = submit_error(
            classify(upstream_response, document.errors, sender.clock.now()), upstream_response
        )
        return Probe(ok=False, detail=refusal.failure.reason)
    return Probe(ok=True, detail=DocumentCode.DOCUMENT_PROBED())
