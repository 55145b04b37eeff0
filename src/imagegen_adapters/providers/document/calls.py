"""One call with the document's part for it: its checks, its requests, and how responses are read."""

import re
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import attrs
import httpx

from imagegen_adapters.providers.common.calls import without_secret
from imagegen_adapters.providers.common.images import map_refusals, mask_for, random_seed
from imagegen_adapters.providers.document.expressions import MAX_QUOTED_CHARS, Budget, DocumentCode, Reading
from imagegen_adapters.providers.document.operations import OperationSpec, RequestSpec
from imagegen_adapters.providers.document.requests import BuiltRequest, build_request
from imagegen_adapters.providers.document.responses import (
    RESPONSE_FILE,
    Classification,
    PartialResponse,
    UpstreamResponse,
    classify,
    parse_response,
)
from imagegen_adapters.providers.document.schema import Document, ModelSpec
from imagegen_adapters.providers.document.sending import Sender, follow
from imagegen_adapters.providers.document.sizes import UpstreamSize, size_for_upstream
from imagegen_adapters.providers.document.templates import OPTIONS, InputPart, Template
from imagegen_core.attempt import Receipt
from imagegen_core.errors import ValidationFailed
from imagegen_core.forms import SIZE_NAMES
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.ports.provider import Exchange, ProviderCall
from imagegen_core.requests import RANDOM_SEED, ImageRequest

_MAX_SKIPPED = 8  # warnings of one call about expressions


@attrs.frozen(kw_only=True)
class DocumentCall:
    """A call, the part of the document that serves it, and the sender for its requests."""

    call: ProviderCall
    document: Document
    model: ModelSpec
    operation: OperationSpec
    sender: Sender
    skipped: dict[str, None] = attrs.field(factory=dict)  # texts of optional expressions that failed

    # Requests

    async def paid_request(self, exchange: Exchange) -> BuiltRequest:
        """Build the paid request, after the polls: a job that cannot be polled must not be paid for."""
        request, config = self.call.request, self.call.config
        with map_refusals():
            size_for_upstream(request.params, self.model.size_of(request.operation))
            check_request(request, self.document, self.model, self.operation)
            mask = await mask_for(request, exchange, self.operation.mask.polarity)
        scope, url = self.scope(mask=mask), str(config.api_base)
        task = {"id": "1", "poll_url": url, "result_url": url, "cancel_url": url}
        poll = None if self.operation.poll is None else self.operation.poll.request
        for spec in (poll, self.operation.result):
            if spec is not None:
                build_request(spec, self.document, config, {**scope, "task": task})
        return build_request(self.operation.request, self.document, config, scope, self._extras())

    def open_free(
        self, spec: RequestSpec, task: Mapping[str, Any], *, seconds: float
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Send a request about an accepted job. A URL that must not get the key is a bad response."""
        config = self.call.config
        scope = self.scope(task=task, templates=(*spec.templates, *self.document.headers.values()))
        request = build_request(spec, self.document, config, scope)
        url = follow(request.url, str(config.api_base), self.document, config)
        return self.sender.open(attrs.evolve(request, url=url), None, seconds=seconds, origins=(url,))

    def scope(
        self,
        *,
        mask: bytes | None = None,
        task: Mapping[str, Any] | None = None,
        templates: Iterable[Template] | None = None,
    ) -> dict[str, Any]:
        """Return the placeholders' values. With ``templates``, of a sent call, only those may fail."""
        call, request = self.call, self.call.request
        with map_refusals():
            size = self._size(was_sent=templates is not None)
        defaults = {name: p.default for name, p in self.model.params.items() if p.default is not None}
        params = {**defaults, **request.params}
        if params.get("seed") == RANDOM_SEED:
            del params["seed"]  # providers draw a random seed if there is none
        names: dict[str, Any] = {
            **{name: params.get(name) for name in ("negative_prompt", "seed", *OPTIONS)},
            "model": call.model.upstream_id,
            "prompt": request.prompt or None,
            "n": request.num,
            "random_seed": random_seed(call.call_id),
            "width": size.width,
            "height": size.height,
            "size": size.size,
            "aspect_ratio": size.aspect_ratio,
            "stream": self.operation.streams(params) or None,
            "params": {**params, "num": request.num},
            "model_vars": self.model.vars,
            "task": task or {},
            "base_url": call.config.api_base,
            "request_uuid": call.call_id,
            **_images(request, mask, mask_as_image=self._mask_as_image),
        }
        return {**names, "vars": render_vars(self.document, names, templates)}

    @property
    def notes(self) -> tuple[Message, ...]:
        """What was sent otherwise than the caller asked."""
        beside = DocumentCode.DOCUMENT_MASK_BESIDE() if self._mask_as_image else None
        return tuple(note for note in (self._size(was_sent=True).note, beside) if note is not None)

    @property
    def _mask_as_image(self) -> bool:
        return self.call.request.mask is not None and not self.document.mentions(self.operation, "mask")

    def _size(self, *, was_sent: bool) -> UpstreamSize:
        request = self.call.request
        try:
            return size_for_upstream(request.params, self.model.size_of(request.operation))
        except ValidationFailed:
            if not was_sent:
                raise
            return UpstreamSize()  # an earlier version sent it, which knew the size

    def _extras(self) -> dict[str, Any]:
        """Return the caller's parameters that the request mentions nowhere, without the count."""
        if not self.document.passes_extras(self.model):
            return {}
        uses_size = any(self.document.mentions(self.operation, name) for name in SIZE_NAMES)
        excluded = {"num", "edit_mode", "mode", "upscale_factor", *(SIZE_NAMES if uses_size else ())}
        return {
            name: value
            for name, value in self.call.request.params.items()
            if name not in excluded
            and (name, value) != ("seed", RANDOM_SEED)
            and not self.document.mentions(self.operation, name)
        }

    @property
    def drawn_seed(self) -> int | None:
        """The random seed of the call; None if the caller gave one, or the provider draws it."""
        has_seed = self.call.request.seed not in (None, RANDOM_SEED)
        is_drawn = not has_seed and self.document.mentions(self.operation, "random_seed")
        return random_seed(self.call.call_id) if is_drawn else None

    # Responses

    def reading(self) -> Reading:
        """Return the budgets of one response; what they skip becomes a warning of this call."""
        return Reading(skipped=self.skipped)

    def parse(self, start: PartialResponse) -> UpstreamResponse:
        """Return the response to be classified: of a long one only status and headers."""
        body = start.head if start.is_complete else b""
        return parse_response(start.status, start.headers, body, self.sender.secret, self.reading())

    def classify(
        self, response: UpstreamResponse, code: str | None = None, message: str | None = None
    ) -> Classification:
        return classify(response, self.document.errors, self.sender.clock.now(), code, message)

    def receipt(self, start: PartialResponse, *, is_image: bool | None = None) -> Receipt:
        """Return the receipt of a spooled response, without the key: receipts are stored unencrypted."""
        key, names = self.sender.secret, self._required_headers()
        headers = {name: without_secret(text, key) for name, text in start.headers.items() if name in names}
        if is_image is None:
            is_image = start.is_image(self.operation.response)
        return Receipt(
            data={
                "file": RESPONSE_FILE,
                "kind": "raw" if is_image else "json",
                "status": start.status,
                "url": start.url,
                "headers": {name: text[:1000] for name, text in headers.items()},
                **self.skipped_data(),
            }
        )

    def skipped_data(self, earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the skipped expressions, after ``earlier`` ones, for the data of a job or a receipt."""
        texts = dict.fromkeys([*(earlier or {}).get("skipped", ()), *self.skipped])
        return {"skipped": [text[:MAX_QUOTED_CHARS] for text in texts][:_MAX_SKIPPED]} if texts else {}

    def _required_headers(self) -> set[str]:
        """Return the names of the headers that the document reads from the response later."""
        response, errors = self.operation.response, self.document.errors
        expressions: list[Any] = [*response.meta.values(), errors.code, errors.message, errors.request_id]
        if response.usage is not None:
            expressions += [response.usage.amount, *response.usage.tokens.values()]
        for rule in response.images:
            expressions += [rule.seed, rule.revised_prompt]
        raw = () if response.raw is None else response.raw.meta_headers.values()
        return {name for e in expressions if e is not None for name in e.headers} | set(map(str.lower, raw))


def render_vars(
    document: Document, names: Mapping[str, Any], templates: Iterable[Template] | None = None
) -> dict[str, Any]:
    """Return the values of the document's variables; with ``templates``, of those that they mention."""
    budget, variables = Budget(), document.vars
    if templates is not None:
        paths = {path for template in templates for path in template.names}
        if "vars" not in paths:
            mentioned = {re.split(r"[.\[]", path)[1] for path in paths if path.startswith("vars.")}
            variables = {name: template for name, template in variables.items() if name in mentioned}
    return {name: template.render(names, budget) for name, template in variables.items()}


def _images(request: ImageRequest, mask: bytes | None, *, mask_as_image: bool) -> dict[str, Any]:
    main, references = (() if request.image is None else (request.image,)), request.references
    images = [InputPart(image=each, index=i) for i, each in enumerate((*main, *references))]
    mask_part = None if request.mask is None else InputPart(image=request.mask, role="mask", data=mask)
    if mask_as_image and mask_part is not None:
        images.append(attrs.evolve(mask_part, index=len(images)))
    return {
        "refs": [InputPart(image=each, index=i, role="reference") for i, each in enumerate(references)],
        "image": images[0] if main else None,
        "images": images,
        "mask": mask_part,
    }


def check_request(
    request: ImageRequest, document: Document, model: ModelSpec, operation: OperationSpec
) -> None:
    """Refuse values that the model does not take together, and images as far as possible unread."""
    params = request.params
    for values in model.excludes:
        if all(params.get(name, model.params[name].default) == value for name, value in values.items()):
            first, *others = values
            action = ", ".join(f"{name}: {values[name]}" for name in others)
            raise ValidationFailed.for_field(f"params.{first}", ProblemCode.NOT_WITH_ACTION(action=action))
    if request.mask is not None and not any(document.mentions(operation, n) for n in ("mask", "images")):
        raise ValidationFailed.for_field("mask", DocumentCode.NO_MASK(model=model.id))
    model.limits.check(request.named_inputs)
