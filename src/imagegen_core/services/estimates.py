"""Whom a request asks, in which order, and what that costs; nothing is stored or sent."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import attrs

from imagegen_core.costs import Cost, dearest, quote, total, usual
from imagegen_core.errors import ProviderDisabled, Refusal, ValidationFailed
from imagegen_core.limits import MAX_FALLBACKS
from imagegen_core.messages import ProblemCode, RefusalCode
from imagegen_core.models import Model, canonical, check_request, choose_model
from imagegen_core.ports.gallery import ImageFilter, ImageList
from imagegen_core.ports.parts import Parts
from imagegen_core.requests import ImageRequest, InputImage, Operation
from imagegen_core.resolving import ResolvedProvider, ResolveProvider
from imagegen_core.search import Paging
from imagegen_core.task import FALLBACK, Submission, Target

Choice = tuple[ResolvedProvider, Model]
_USUAL_IMAGES = 20
_ANY_IMAGE = InputImage(key="", mime_type="image/png", width=1024, height=1024, size_bytes=1 << 20, sha256="")
"""Stands for a request's images in an estimate and in a dry run."""


def with_any_images(
    operation: Operation,
    prompt: str,
    params: Mapping[str, Any],
    *,
    references: int = 1,
    has_mask: bool = False,
) -> ImageRequest:
    """Return a request that nobody will send, with as many images as it takes."""
    rules = operation.rules
    return ImageRequest(
        operation=operation,
        prompt=prompt,
        params=canonical(params),
        references=(_ANY_IMAGE,) * references if rules.max_references else (),
        image=_ANY_IMAGE if rules.takes_image else None,
        mask=_ANY_IMAGE if rules.takes_mask and has_mask else None,
    )


@attrs.frozen(kw_only=True)
class Estimates:
    """The providers of a request as they are configured now, and its costs by their price lists."""

    parts: Parts
    resolve: ResolveProvider

    async def _resolved(self, submission: Submission) -> tuple[ResolvedProvider, Model]:
        """Return the provider and the model of a request, as they are configured now."""
        resolved = await self.resolve(
            provider_name=submission.provider_name or await self.resolve.default_name(),
            override=submission.override,
            require_saved=submission.require_saved,
            may_be_off=bool(submission.fallback),
        )
        return resolved, choose_model(resolved.profile.models, submission.model_id)

    async def order(self, submission: Submission) -> Sequence[Choice]:
        """Return the providers to ask, in order. Where several are named, one may be switched off."""
        if not submission.fallback:
            return (await self._resolved(submission),)
        name = submission.provider_name or await self.resolve.default_name()
        targets = (Target(name, submission.model_id), *submission.fallback)
        if len(submission.fallback) > MAX_FALLBACKS:
            raise ValidationFailed.for_field(FALLBACK, ProblemCode.TOO_MANY_ITEMS(maximum=MAX_FALLBACKS))
        order: list[Choice] = []
        for number, target in enumerate(targets):
            if not target.provider_name:
                raise ValidationFailed.for_field(f"{FALLBACK}.{number - 1}.provider", ProblemCode.REQUIRED())
            if target.provider_name in (each.provider_name for each in targets[:number]):
                raise ValidationFailed.for_field(f"{FALLBACK}.{number - 1}.provider", ProblemCode.DUPLICATE())
            override = None if number else submission.override
            request = attrs.evolve(submission, override=override, **attrs.asdict(target))
            with naming(number):
                order.append(await self._resolved(request))
        if not any(provider.config.is_enabled for provider, _ in order):
            raise ProviderDisabled(name)
        return order

    async def estimate(self, submission: Submission) -> tuple[Cost, ...]:
        """Return what a request would cost now, by currency; empty if nothing. Nothing is sent.

        With a fallback it is what the dearest of its providers would cost, in each currency. A `Refusal` says
        why the request would be turned down, apart from its images.
        """
        return self.quoted(submission, await self.order(submission))

    async def usual_cost(self, submission: Submission) -> tuple[Decimal, str, int] | None:
        """Return what a request usually costs: amount, currency, and of how many images that is the median.

        They are the newest of its operation, model, and first provider. None if none tells what it cost.
        """
        (resolved, model), *_ = await self.order(submission)
        criteria = ImageFilter(
            provider_name=resolved.config.provider_name, model_id=model.id, operation=submission.operation
        )
        newest = Paging(page=1, page_size=_USUAL_IMAGES)
        page = await self.parts.images.list(ImageList(criteria=criteria), newest)
        if (median := usual(hit.image.cost for hit in page.items)) is None:
            return None
        amount, currency, count = median
        return amount * canonical(submission.params).get("num", 1), currency, count

    def quoted(self, submission: Submission, order: Sequence[Choice]) -> tuple[Cost, ...]:
        """Return what `estimate` does, for the providers to ask."""
        quotes = []
        for number, each in enumerate(order):
            with naming(number):
                quotes.append(self._quoted(submission, *each))
        return dearest(quotes) if len(quotes) > 1 else quotes[0]

    def _quoted(self, submission: Submission, resolved: ResolvedProvider, model: Model) -> tuple[Cost, ...]:
        request = with_any_images(submission.operation, submission.prompt, submission.params)
        check_request(request, model)
        calls = resolved.provider.split(request, model, resolved.config)
        bare_calls = (attrs.evolve(call, references=(), image=None) for call in calls)
        quotes = (quote(call, model, is_billed=resolved.profile.billed) for call in bare_calls)
        return total(cost for cost in quotes if cost is not None)


@contextmanager
def naming(number: int) -> Iterator[None]:
    """Name the provider that a refusal is about, if it is not the first."""
    try:
        yield
    except Refusal as refusal:
        if number:
            field = f"{FALLBACK}.{number - 1}"
            if isinstance(refusal, ValidationFailed):
                raise ValidationFailed.for_field(field, refusal.reason) from refusal
            refusal.reason = RefusalCode.PROBLEM(field=field, reason=refusal.reason)
            refusal.args = (refusal.message,)
        raise
