"""One call with the document's part for it: its checks, its requests, and how responses are read."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from typing import Any

import attrs
import httpx

from imagegen_adapters.providers.common.calls import without_secret
from imagegen_adapters.providers.common.images import InputPart, map_refusals, mask_for, random_seed
from imagegen_adapters.providers.document.expressions import MAX_QUOTED_CHARS, DocumentCode, Expression
from imagegen_adapters.providers.document.models import UpstreamSize, size_for_upstream
from imagegen_adapters.providers.document.operations import OperationSpec, RequestSpec
from imagegen_adapters.providers.document.reading import parts_of
from imagegen_adapters.providers.document.responses import RESPONSE_FILE, PartialResponse
from imagegen_adapters.providers.document.schema import Document, ModelSpec
from imagegen_adapters.providers.document.sending import BuiltRequest, Sender, follow
from imagegen_adapters.providers.document.templates import OPTIONS
from imagegen_core.attempt import Receipt
from imagegen_core.errors import ValidationFailed
from imagegen_core.facts import SIZE_NAMES
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.ports.provider import Exchange, ProviderCall
from imagegen_core.requests import RANDOM_SEED, ImageRequest

_MAX_SKIPPED = 8  # warnings of one call about expressions


@attrs.frozen(kw_only=True)
class DocumentCall(Sender):
    """A call, the part of the document that serves it, and what sends its requests."""

    call: ProviderCall
    model: ModelSpec
    operation: OperationSpec

    # Requests

    async def paid_request(self, exchange: Exchange) -> BuiltRequest:
        """Build the paid request, after the polls: a job that cannot be polled must not be paid for."""
        request = self.call.request
        with map_refusals():
            size = size_for_upstream(request.params, self.model.size_of(request.operation))
            check_request(request, self.document, self.model, self.operation)
            mask = await mask_for(request, exchange, self.operation.mask.polarity)
        scope, url = self._scope(size, mask=mask), str(self.config.api_base)
        task = {"id": "1", "poll_url": url, "result_url": url, "cancel_url": url}
        poll = None if self.operation.poll is None else self.operation.poll.request
        for spec in (poll, self.operation.result):
            if spec is not None:
                self.build(spec, {**scope, "task": task})
        return self.build(self.operation.request, scope, self._extras())

    def open_free(
        self, spec: RequestSpec, task: Mapping[str, Any], *, seconds: float
    ) -> AbstractAsyncContextManager[httpx.Response]:
        """Send a request about an accepted job. A URL that must not get the key is a bad response."""
        request = self.build(spec, self._scope(self._sent_size, task=task))
        url = follow(request.url, str(self.config.api_base), self.document, self.config)
        return self.open(attrs.evolve(request, url=url), None, seconds=seconds, origins=(url,))

    def _scope(
        self, size: UpstreamSize, *, mask: bytes | None = None, task: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the placeholders' values, without the document's variables."""
        call, request = self.call, self.call.request
        defaults = {name: p.default for name, p in self.model.params.items() if p.default is not None}
        params = {**defaults, **request.params}
        if params.get("seed") == RANDOM_SEED:
            del params["seed"]  # providers draw a random seed if there is none
        return {
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

    @property
    def notes(self) -> tuple[Message, ...]:
        """What was sent otherwise than the caller asked."""
        beside = DocumentCode.DOCUMENT_MASK_BESIDE() if self._mask_as_image else None
        return tuple(note for note in (self._sent_size.note, beside) if note is not None)

    @property
    def _mask_as_image(self) -> bool:
        return self.call.request.mask is not None and not self.document.mentions(self.operation, "mask")

    @property
    def _sent_size(self) -> UpstreamSize:
        request = self.call.request
        try:
            return size_for_upstream(request.params, self.model.size_of(request.operation))
        except ValidationFailed:  # an earlier version sent it, which knew the size
            return UpstreamSize()

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

    def receipt(self, start: PartialResponse, *, is_image: bool | None = None) -> Receipt:
        """Return the receipt of a spooled response, without the key: receipts are stored unencrypted."""
        key, names = self.secret, _required_headers(self.document, self.operation)
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


@lru_cache(maxsize=64)  # the walk takes 0.2 ms
def _required_headers(document: Document, operation: OperationSpec) -> frozenset[str]:
    """Return the names of the headers that the document reads from a response later."""
    raw = () if operation.response.raw is None else operation.response.raw.meta_headers.values()
    parts = (part for _, part in parts_of((operation.response, document.errors)))
    names = {name for part in parts if isinstance(part, Expression) for name in part.headers}
    return frozenset((*names, *map(str.lower, raw)))


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
