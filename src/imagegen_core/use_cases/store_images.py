"""Store the images of a response, each on its own."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import attrs

from imagegen_core.attempt import Receipt
from imagegen_core.costs import Cost, cost_of
from imagegen_core.errors import BlobMissing, CallError, FailureCode
from imagegen_core.execution.active_calls import ActiveCall
from imagegen_core.execution.kept_answers import keep_image
from imagegen_core.execution.redacted_json import json_size
from imagegen_core.images import Image
from imagegen_core.limits import MAX_METADATA_BYTES
from imagegen_core.messages import Message
from imagegen_core.ports.blobs import BlobStore
from imagegen_core.ports.provider import GeneratedImage, ProviderResult
from imagegen_core.problems import FailureReason, WarningCode
from imagegen_core.requests import ImageRequest
from imagegen_core.use_cases.store_image import RejectedImage, StoreImage

_MAX_SHARED_BYTES = 1024
"""Of metadata that is stored with each image of a call, although it is the same for all of them."""

_MAX_NAME_CHARS = 50


@attrs.frozen(kw_only=True)
class StoredImages:
    """What became of a provider result: records that have no id yet, and why there are no more."""

    images: tuple[Image, ...]
    failures: tuple[CallError, ...] = ()
    warnings: tuple[Message, ...] = ()


@attrs.frozen(kw_only=True)
class StoreImages:
    """One image that is rejected or lost costs no other; a rejected one is removed."""

    store_image: StoreImage
    blobs: BlobStore

    async def __call__(
        self, *, active: ActiveCall, recorded: frozenset[int] = frozenset(), is_retry: bool = False
    ) -> StoredImages:
        """Store the images of a received response, except those whose positions are ``recorded`` already.

        What the call cost is held with its attempt as soon as the response is read.
        ``is_retry``: an earlier try may have stored images that it did not record.

        Raises:
            CallError: the response cannot be read, or is a refusal.
        """
        result = await _collect(active)
        shares = _hold_cost(active, result)
        images, failures = [], list(result.failures)
        bounded, dropped = _bounded(result.images)
        for position, image in enumerate(bounded):
            if position in recorded:
                continue
            try:
                record = await self.store_image(
                    image=image,
                    position=position,
                    task=active.run.task,
                    attempt=active.attempt,
                    cost=shares[position],
                    keep=partial(keep_image, active.exchange, position),
                    is_retry=is_retry,
                )
                images.append(record)
            except CallError as error:
                failures.append(error)
                if isinstance(error, RejectedImage) and not await active.run.is_stale():
                    await self.blobs.delete(error.key)
        warnings = (*result.warnings, *_size_warnings(active.call.request, result, images))
        if dropped:
            warnings = (*warnings, WarningCode.METADATA_DROPPED(names=tuple(dropped)))
        return StoredImages(images=tuple(images), failures=tuple(failures), warnings=warnings)


async def _collect(active: ActiveCall) -> ProviderResult:
    try:
        return await active.provider.collect(
            active.call, active.attempt.receipt or Receipt(), active.exchange
        )
    except BlobMissing as error:
        raise CallError(FailureCode.STORAGE_FAILED, FailureReason.RESPONSE_GONE()) from error


def _bounded(images: Sequence[GeneratedImage]) -> tuple[list[GeneratedImage], dict[str, None]]:
    """Return the images with as much metadata as is kept, and the names of what is dropped.

    What is long and the same for several images is kept with the first of them.
    """
    bounded: list[GeneratedImage] = []
    shared: dict[str, Any] = {}
    dropped: dict[str, None] = {}
    for image in images:
        metadata, room = {}, MAX_METADATA_BYTES
        for name, value in image.metadata.items():
            size = json_size([name, value], room)
            if size > _MAX_SHARED_BYTES and name in shared and shared[name] == value:
                continue
            if size > room:
                dropped[name[:_MAX_NAME_CHARS]] = None
                continue
            room -= size
            metadata[name] = value
            shared.setdefault(name, value)
        bounded.append(attrs.evolve(image, metadata=metadata))
    return bounded, dropped


def _size_warnings(
    request: ImageRequest, result: ProviderResult, images: Sequence[Image]
) -> Iterable[Message]:
    """Yield a warning if an image has other pixels than were asked for, and no other warning says so."""
    dimensions = request.dimensions
    other = next((image for image in images if (image.width, image.height) != dimensions), None)
    if dimensions is None or other is None or not result.keeps_size:
        return
    requested = f"{dimensions[0]}x{dimensions[1]}"
    arguments = {value for warning in result.warnings for value in warning.args.values()}
    names = {name for value in arguments if isinstance(value, tuple) for name in value}
    if requested not in arguments and not {"size", "width"} & names:
        yield WarningCode.OTHER_SIZE(requested=requested, size=f"{other.width}x{other.height}")


def _hold_cost(active: ActiveCall, result: ProviderResult) -> tuple[Cost | None, ...]:
    """Hold with the attempt what the result shows that its call cost, and return each image's share."""
    attempt, call, count = active.attempt, active.call, len(result.images)
    cost = cost_of(
        call.request, call.model, attempt.price, usage=result.usage, images=count, quoted=attempt.cost
    )
    if cost != attempt.cost:
        active.run.hold(attempts=(attempt.with_cost(cost),))
    return (None,) * count if cost is None else cost.shares(count)
