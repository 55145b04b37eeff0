"""``kind: stable_diffusion``: Stability AI's hosted API, v2beta, and the choice between it and a WebUI's.

`stability.yaml` describes the API. Here is what it cannot say: which route serves an edit or an upscale, what
that route needs, and which parameters have no effect on it.

=============  ==============================================  =======================================
operation      with                                            route
=============  ==============================================  =======================================
edit           a mask                                          edit/inpaint
edit           no mask, ``params.search_prompt``               edit/search-and-replace
upscale        ``params.upscale_mode`` left out or ``fast``    upscale/fast, always four times
upscale        ``conservative``, and a prompt                  upscale/conservative
upscale        ``creative``, and a prompt                      upscale/creative (job)
=============  ==============================================  =======================================
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

import attrs

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.a1111 import A1111, PROGRESS_SECONDS, StableDiffusionCode
from imagegen_adapters.providers.common.calls import load_yaml
from imagegen_adapters.providers.common.images import check_sides, check_size, map_refusals, nearest_ratio
from imagegen_adapters.providers.document.calls import DocumentCall
from imagegen_adapters.providers.document.operations import OperationSpec
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.providers.document.reading import parse_document
from imagegen_adapters.providers.document.schema import Document, ModelSpec
from imagegen_core.attempt import Receipt, UpstreamJob
from imagegen_core.config import ModelEntry, ProviderConfig
from imagegen_core.errors import CallError, FailureCode, ValidationFailed
from imagegen_core.messages import Message, ProblemCode
from imagegen_core.models import Model, ProviderProfile, check_upscaled
from imagegen_core.ports.provider import Exchange, Probe, ProviderCall, ProviderResult
from imagegen_core.ports.tools import Clock
from imagegen_core.requests import DEFAULT_EDIT_MODE, ImageRequest, Operation

FAST_FACTOR = 4  # a fast upscale ignores the requested factor
_PREFIX = "/v2beta/stable-image/"
_HANDLED_PARAMETERS = frozenset(
    {"num", "width", "height", "size", "upscale_factor", "upscale_mode", "edit_mode"}
)


@cache
def load_stability() -> Document:
    text = resources.files(__package__ or "").joinpath("stability.yaml").read_text("utf-8")
    return parse_document(load_yaml(text), "stability")


class Stability(HttpProvider):
    """One image a call; creative upscaling and new backgrounds are jobs, which cannot be stopped."""

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        """Of a model's configured ``capabilities``, those that Stability does not have are left out."""
        return super().describe(
            attrs.evolve(config, models=config.models and tuple(map(_possible, config.models)))
        )

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        check(request)
        return super().split(request, model, config)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        with map_refusals():
            check(call.request)
        return await super().submit(call, exchange)

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        try:
            result = await super().collect(call, receipt, exchange)
        except CallError as error:
            if error.failure.code is not FailureCode.CONTENT_POLICY:
                raise
            raise CallError(
                FailureCode.CONTENT_POLICY,
                StableDiffusionCode.STABILITY_FILTERED(),
                upstream_code="CONTENT_FILTERED",
                possible_charge=True,
            ) from error
        return attrs.evolve(result, warnings=tuple(warnings(call.request, self._call(call))))

    async def probe(self, config: ProviderConfig) -> Probe:
        return await super().probe(_at_root(config))

    def _call(self, call: ProviderCall) -> DocumentCall:
        """Add the aspect ratio to the request: Stability takes no size."""
        ratio, request = _ratio(call.request), call.request
        request = request if ratio is None else request.with_params(aspect_ratio=ratio)
        return super()._call(attrs.evolve(call, request=request, config=_at_root(call.config)))

    def _operation(self, document: Document, spec: ModelSpec, request: ImageRequest) -> OperationSpec | None:
        if request.operation is Operation.UPSCALE:
            return document.operations[f"upscale/{_upscale_mode(request)}"]
        if request.operation is Operation.EDIT and request.mask is None:
            return document.operations["edit/search-and-replace"]
        return document.operation_for(request.operation, spec)

    def _document(self, config: ProviderConfig) -> Document:
        return load_stability()


def _possible(entry: ModelEntry) -> ModelEntry:
    if entry.capabilities is None:
        return entry
    possible = load_stability().model(entry.id).capabilities
    return attrs.evolve(entry, capabilities=tuple(each for each in entry.capabilities if each in possible))


def _at_root(config: ProviderConfig) -> ProviderConfig:
    """``api_base`` may end in the API's version."""
    base = (config.api_base or "").rstrip("/").removesuffix("/v2beta").removesuffix("/v1")
    return attrs.evolve(config, api_base=base)


def _upscale_mode(request: ImageRequest) -> str:
    return str(request.params.get("upscale_mode", "fast"))


def _ratio(request: ImageRequest) -> str | None:
    ratio, dimensions = request.params.get("aspect_ratio"), request.dimensions
    if ratio or not dimensions:
        return ratio
    size = load_stability().models[0].size
    return None if size is None else nearest_ratio(*dimensions, size.values)


def check(request: ImageRequest) -> None:
    """Refuse what the route would: it needs a prompt, or what to replace."""
    params, mode = request.params, _upscale_mode(request)
    if request.operation is Operation.UPSCALE and mode != "fast" and not request.prompt.strip():
        raise ValidationFailed.for_field("prompt", StableDiffusionCode.PROMPT_NEEDED(mode=mode))
    if request.operation is Operation.EDIT and request.mask is None and not params.get("search_prompt"):
        raise ValidationFailed.for_field("params.search_prompt", StableDiffusionCode.NOTHING_TO_REPLACE())
    check_size(params)
    check_sides(params)
    if request.operation is Operation.UPSCALE and mode == "fast" and request.image is not None:
        check_upscaled(request.image, params, FAST_FACTOR)


def warnings(request: ImageRequest, call: DocumentCall) -> Iterator[Message]:
    params, dimensions, path = request.params, request.dimensions, call.operation.request.path
    if dimensions and "aspect_ratio" not in params and call.document.mentions(call.operation, "aspect_ratio"):
        size = f"{dimensions[0]}x{dimensions[1]}"
        yield StableDiffusionCode.TAKES_NO_SIZE(size=size, ratio=_ratio(request) or "")
    elif dimensions:
        yield StableDiffusionCode.NO_EFFECT(names=("width", "height"))
    if request.operation is Operation.UPSCALE:
        mode, factor = _upscale_mode(request), request.upscale_factor
        if mode == "fast" and factor != "x4":
            yield StableDiffusionCode.FOUR_TIMES(factor=factor)
        elif mode != "fast" and "upscale_factor" in params:
            yield StableDiffusionCode.OWN_SIZE(mode=mode, factor=factor)
    if request.edit_mode != DEFAULT_EDIT_MODE:
        yield StableDiffusionCode.NO_EFFECT(names=("edit_mode",))
    route = "" if path is None else str(path.source).removeprefix(_PREFIX)
    for name in sorted(params.keys() - _HANDLED_PARAMETERS):
        if not call.document.mentions(call.operation, name):
            yield StableDiffusionCode.NO_EFFECT_ON(name=name, route=route)


class StableDiffusionProvider:
    """The `Provider` port; ``extra_config.dialect`` is ``a1111`` (default) or ``stability``."""

    names = ("stable-diffusion*",)
    extra_keys = frozenset({"dialect", "upscaler", "allow_scripts"})

    def __init__(
        self, outbound: Outbound, *, clock: Clock, progress_seconds: float = PROGRESS_SECONDS
    ) -> None:
        self._dialects: Mapping[str, A1111 | Stability] = {
            "a1111": A1111(outbound, progress_seconds),
            "stability": Stability(outbound, clock=clock),
        }

    def describe(self, config: ProviderConfig) -> ProviderProfile:
        return self._dialect(config).describe(config)

    def split(self, request: ImageRequest, model: Model, config: ProviderConfig) -> tuple[ImageRequest, ...]:
        return self._dialect(config).split(request, model, config)

    async def submit(self, call: ProviderCall, exchange: Exchange) -> UpstreamJob | Receipt:
        return await self._dialect(call.config).submit(call, exchange)

    async def poll(self, call: ProviderCall, job: UpstreamJob, exchange: Exchange) -> Receipt:
        return await self._dialect(call.config).poll(call, job, exchange)

    async def collect(self, call: ProviderCall, receipt: Receipt, exchange: Exchange) -> ProviderResult:
        return await self._dialect(call.config).collect(call, receipt, exchange)

    async def cancel(self, call: ProviderCall, job: UpstreamJob | None) -> None:
        await self._dialect(call.config).cancel(call, job)

    async def probe(self, config: ProviderConfig) -> Probe:
        return await self._dialect(config).probe(config)

    def _dialect(self, config: ProviderConfig) -> A1111 | Stability:
        name = config.extra_config.get("dialect", "a1111")
        if name in self._dialects:
            return self._dialects[name]
        choices = tuple(self._dialects)
        raise ValidationFailed.for_field("extra_config.dialect", ProblemCode.NOT_ONE_OF(choices=choices))
