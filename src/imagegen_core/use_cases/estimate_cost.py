"""Estimate what a request would cost; nothing is stored or sent."""

import attrs

from imagegen_core.costs import Cost, quote, total
from imagegen_core.images import MediaType
from imagegen_core.models import canonical, check_operation, check_request, choose_model
from imagegen_core.requests import ImageRequest, InputImage
from imagegen_core.task import Submission
from imagegen_core.use_cases.resolve_provider import ResolveProvider

_ANY_IMAGE = InputImage(
    key="", mime_type=MediaType.PNG, width=1024, height=1024, size_bytes=1024 * 1024, sha256=""
)
"""Stands for the images of a request, which need not be there to be told its price."""


@attrs.frozen(kw_only=True)
class EstimateCost:
    """Prices the calls that a request would take, by the configuration of this moment."""

    resolve: ResolveProvider

    async def __call__(self, submission: Submission) -> tuple[Cost, ...]:
        """Return the costs by currency; empty if calls cost nothing.

        Raises:
            Refusal: the request would be turned down for what it says, apart from its images.
        """
        params = canonical(submission.params)
        resolved = await self.resolve(
            provider_name=submission.provider_name or await self.resolve.default_name(),
            override=submission.override,
            require_saved=submission.require_saved,
        )
        model = choose_model(resolved.profile.models, submission.model_id)
        rules = submission.operation.rules
        request = ImageRequest(
            operation=submission.operation,
            prompt=submission.prompt,
            params=params,
            references=(_ANY_IMAGE,) if rules.max_references else (),
            image=_ANY_IMAGE if rules.takes_image else None,
        )
        check_operation(request.operation, len(request.references), model)
        check_request(request, model)
        calls = resolved.provider.split(request, model, resolved.config)
        quotes = (
            quote(attrs.evolve(call, references=(), image=None), model, is_billed=resolved.profile.billed)
            for call in calls
        )
        return total(cost for cost in quotes if cost is not None)
