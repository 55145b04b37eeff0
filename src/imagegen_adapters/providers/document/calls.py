"""One call together with what the document says about it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

import attrs

from imagegen_adapters.providers.common.images import ImageLimits, map_refusals, mask_for, random_seed
from imagegen_adapters.providers.document.expressions import MAX_QUOTED_CHARS
from imagegen_adapters.providers.document.requests import (
    BuiltRequest,
    CallScope,
    build_request,
    check_requests,
    scope_of,
)
from imagegen_adapters.providers.document.responses import (
    RESPONSE_FILE,
    Classification,
    UpstreamResponse,
    classify,
    classify_code,
    retry_after,
)
from imagegen_adapters.providers.document.schema import Document, ModelSpec, OperationSpec, RequestSpec
from imagegen_adapters.providers.document.sending import Sender, follow
from imagegen_adapters.providers.document.sizes import size_for_upstream
from imagegen_adapters.providers.document.templates import Template
from imagegen_adapters.providers.document.words import DocumentCode
from imagegen_adapters.redactors.spellings import without
from imagegen_core.attempt import Receipt
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.ports.provider import Exchange, ProviderCall
from imagegen_core.problems import ProblemCode
from imagegen_core.requests import RANDOM_SEED, NamedInputs
from imagegen_core.secrets import Secret

_MAX_SKIPPED = 8
"""Warnings of one call about expressions."""


@attrs.frozen(kw_only=True)
class DocumentCall:
    """A call, the part of the document that serves it, and the sender for its requests.

    ``skipped`` are the texts of optional expressions that could not read its responses.
    """

    call: ProviderCall
    document: Document
    model: ModelSpec
    operation: OperationSpec
    sender: Sender
    skipped: dict[str, None] = attrs.field(factory=dict)

    @classmethod
    def from_call(cls, call: ProviderCall, document: Document, sender: Sender) -> "DocumentCall":
        """Return the call with its operation.

        Raises:
            CallError: ``rejected``, nothing was sent: the document has no such operation.
        """
        spec = document.model(call.model.id)
        operation = document.operation_for(call.request.operation, spec)
        if operation is None:
            reason = DocumentCode.DOCUMENT_OPERATION_GONE(
                model=call.model.id, operation=call.request.operation
            )
            raise CallError(FailureCode.REJECTED, reason, possible_charge=False)
        return cls(call=call, document=document, model=spec, operation=operation, sender=sender)

    @property
    def secret(self) -> Secret | None:
        """The key or the access token for it, which no message may contain."""
        return self.sender.secret

    @property
    def now(self) -> datetime:
        """The current time, for a Retry-After that is a date."""
        return self.sender.clock.now()

    def classify(self, response: UpstreamResponse) -> Classification:
        """Return what an error response means, by the document's table."""
        return classify(response, self.document.errors, self.now)

    def classify_code(
        self, response: UpstreamResponse, code: str | None, message: str | None
    ) -> Classification:
        """Return what a code and a message mean that were found elsewhere in the response."""
        return classify_code(response, self.document.errors, self.now, code=code, message=message or "")

    def retry_after(self, response: UpstreamResponse) -> float | None:
        """Return the seconds that the provider asks us to wait, None if it does not."""
        return retry_after(response, self.document.errors, self.now)

    @property
    def drawn_seed(self) -> int | None:
        """The random seed of the call; None if the caller gave one, or the provider draws it."""
        has_seed = self.call.request.seed not in (None, RANDOM_SEED)
        is_drawn = not has_seed and self.document.mentions(self.operation, "random_seed")
        return random_seed(self.call.call_id) if is_drawn else None

    def scope(
        self,
        *,
        mask: bytes | None = None,
        task: Mapping[str, Any] | None = None,
        templates: Iterable[Template] | None = None,
    ) -> CallScope:
        """Return the values of the placeholders; for a call that was sent, what its ``templates`` need.

        Raises:
            CallError: ``rejected``, nothing was sent: the model has no such size.
        """
        with map_refusals():
            return scope_of(
                self.call,
                self.document,
                self.model,
                self.operation,
                mask=mask,
                task=task,
                templates=templates,
            )

    async def paid_request(self, exchange: Exchange) -> BuiltRequest:
        """Return the one request that costs money.

        Raises:
            CallError: ``rejected``, nothing was sent.
        """
        with map_refusals():
            request = self.call.request
            size_for_upstream(request.params, self.model.size_of(request.operation))
            check_excluded(request.params, self.model)
            check_images(request.named_inputs, self.document, self.model, self.operation)
            mask = await mask_for(request, exchange, self.operation.mask.polarity)
        scope = self.scope(mask=mask)
        spec, operation = self.operation.request, self.operation
        polled = None if operation.poll is None else operation.poll.request
        document, config = self.document, self.call.config
        check_requests((polled, operation.result), document, config, scope.names)
        return build_request(spec, document, config, scope.names, scope.extras)

    def free_request(self, spec: RequestSpec, task: Mapping[str, Any]) -> BuiltRequest:
        """Return a request about an accepted job, after checking that its URL may receive the key.

        Raises:
            CallError: ``bad_response``: the provider's URL for it must not receive the key.
        """
        scope = self.scope(task=task, templates=(*spec.templates, *self.document.headers.values()))
        request = build_request(spec, self.document, self.call.config, scope.names)
        base = str(self.call.config.api_base)
        return attrs.evolve(request, url=follow(request.url, base, self.document, self.call.config))

    def receipt(self, *, status: int, url: str, headers: Mapping[str, str], is_image: bool) -> Receipt:
        """Return the receipt of a response that was spooled, for `collect`: at most a few hundred bytes.

        The key is removed from it, since receipts are stored unencrypted.
        """
        key, names = self.secret, _required_headers(self.document, self.operation)
        kept_headers = {name: text for name, text in headers.items() if name in names}
        if key is not None:
            kept_headers = {n: key.give_to(partial(without, text)) for n, text in kept_headers.items()}
        return Receipt(
            data={
                "file": RESPONSE_FILE,
                "kind": "raw" if is_image else "json",
                "status": status,
                "url": url,
                "headers": {name: text[:1000] for name, text in kept_headers.items()},
                **self.skipped_data(),
            }
        )

    def skipped_data(self, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the expressions that were skipped, for the data of a job or a receipt after ``earlier``."""
        texts = dict.fromkeys([*(earlier or {}).get("skipped", ()), *self.skipped])
        return {"skipped": [text[:MAX_QUOTED_CHARS] for text in texts][:_MAX_SKIPPED]} if texts else {}


def check_excluded(params: Mapping[str, Any], model: ModelSpec) -> None:
    """Check that no values of parameters meet that the model does not take together.

    Raises:
        ValidationFailed: naming the first of them.
    """
    for values in model.excludes:
        if all(params.get(name, model.params[name].default) == value for name, value in values.items()):
            first, *others = values
            action = ", ".join(f"{name}: {values[name]}" for name in others)
            raise ValidationFailed.for_field(f"params.{first}", ProblemCode.NOT_WITH_ACTION(action=action))


def check_images(images: NamedInputs, document: Document, model: ModelSpec, operation: OperationSpec) -> None:
    """Check a request's images as far as possible before anything is read or sent.

    Raises:
        ValidationFailed: the model takes no mask, or refuses such images.
    """
    if not images:
        return
    takes_masks = any(document.mentions(operation, name) for name in ("mask", "images"))
    if "mask" in dict(images) and not takes_masks:
        raise ValidationFailed.for_field("mask", DocumentCode.NO_MASK(model=model.id))
    limits = model.limits
    ImageLimits(
        mime_types=limits.ref_mimes,
        max_bytes=limits.ref_bytes_max,
        min_pixels=limits.min_px,
        max_pixels=limits.max_px,
        min_side=limits.side_min,
        max_side=limits.side_max,
        ratio=limits.ratio,
        total_bytes=limits.total_bytes_max,
    ).check(images)


def _required_headers(document: Document, operation: OperationSpec) -> frozenset[str]:
    """Return the names of the headers that the document reads from the response later."""
    response = operation.response
    errors = document.errors
    expressions: list[Any] = [*response.meta.values(), errors.code, errors.message, errors.request_id]
    if response.usage is not None:
        expressions += [response.usage.amount, *response.usage.tokens.values()]
    for rule in response.images:
        expressions += [rule.seed, rule.revised_prompt]
    names = {name for e in expressions if e is not None for name in e.headers}
    if response.raw is not None:
        names |= {name.lower() for name in response.raw.meta_headers.values()}
    return frozenset(names)
