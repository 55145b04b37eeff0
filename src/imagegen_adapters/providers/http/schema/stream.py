"""A response that comes as server-sent events, with images that are not finished."""

import attrs

from imagegen_adapters.providers.http.expressions import Expression
from imagegen_core.limits import MAX_PARTIAL_IMAGES


@attrs.frozen(kw_only=True)
class PartialSpec:
    """The names of events with a partial image, and where in their data it and its number are."""

    events: tuple[str, ...]
    base64: Expression
    index: Expression | None = None


@attrs.frozen(kw_only=True)
class StreamSpec:
    """How a response of server-sent events is read, which the number in ``parameter`` asks for if above 0.

    The data of an event in ``completed`` is read by the `ResponseSpec`; one in ``failed`` is an error.
    """

    parameter: str
    partial: PartialSpec
    max: int = MAX_PARTIAL_IMAGES
    completed: tuple[str, ...]
    failed: tuple[str, ...] = ("error",)
