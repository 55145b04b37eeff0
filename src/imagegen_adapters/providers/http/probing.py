"""Asks a vendor something that is free, to see whether address and key are good."""

from typing import Any

from imagegen_adapters.providers.http.classification import judge, submit_error
from imagegen_adapters.providers.http.document import Document
from imagegen_adapters.providers.http.receiving import arrive
from imagegen_adapters.providers.http.requests import build_request
from imagegen_adapters.providers.http.sending import Sender, as_answer, error_answer
from imagegen_core.errors import CallError
from imagegen_core.ports.provider import Probe
from imagegen_core.provider_configs import ProviderConfig

_LONGEST = 15.0


async def probe_health(document: Document, config: ProviderConfig, sender: Sender) -> Probe:
    """Return what the document's ``health`` request brings; without one, that nothing was asked."""
    if document.health is None:
        detail = "this vendor has no free call; address and key were not tried"
        return Probe(ok=True, detail=detail, verified=False)
    names: dict[str, Any] = {
        "base_url": config.api_base,
        "params": {},
        "model_vars": {},
        "task": {},
        "vars": {},
    }
    names["vars"] = {name: template.render(names) for name, template in document.vars.items()}
    secret = None if config.api_key is None else config.api_key.reveal()
    try:
        request = build_request(document.health.request, document, config, names)
        async with sender.open(request, None, seconds=min(_LONGEST, config.timeout)) as response:
            if not response.is_success:
                answer = await error_answer(response, secret)
                error = submit_error(judge(answer, document.errors, sender.clock.now()), answer)
                return Probe(ok=False, detail=f"{answer.status}: {error.failure.message}")
            arrival = await arrive(response)
    except CallError as error:
        return Probe(ok=False, detail=error.failure.message)
    answer = as_answer(arrival.status, arrival.headers, arrival.head if arrival.short else b"{}", secret)
    ok_if = document.health.ok_if
    if ok_if is not None and not ok_if.holds(answer.tree, headers=answer.headers):
        refusal = submit_error(judge(answer, document.errors, sender.clock.now()), answer)
        return Probe(ok=False, detail=refusal.failure.message)
    return Probe(ok=True, detail="address and key are good")
