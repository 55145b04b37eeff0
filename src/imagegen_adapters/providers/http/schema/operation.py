"""One paid call, which serves one operation or several."""

import attrs

from imagegen_adapters.providers.http.schema.job import PollSpec, TaskSpec
from imagegen_adapters.providers.http.schema.request import RequestSpec
from imagegen_adapters.providers.http.schema.response import ResponseSpec
from imagegen_adapters.providers.http.schema.stream import StreamSpec
from imagegen_adapters.providers.masks import MaskPolarity
from imagegen_core.operations import Operation

_OPERATION_NAMES = frozenset(Operation)


@attrs.frozen(kw_only=True)
class MaskSpec:
    """How the provider expects a mask."""

    polarity: MaskPolarity = MaskPolarity.WHITE_IS_EDIT


@attrs.frozen(kw_only=True, eq=False)
class OperationSpec:
    """One paid call, and the requests that belong to it. ``warning`` is reported with its images.

    Like its document, it is equal only to itself.
    """

    request: RequestSpec
    response: ResponseSpec
    implements: tuple[Operation, ...] = ()
    mask: MaskSpec = MaskSpec()
    stream: StreamSpec | None = None
    task: TaskSpec | None = None
    poll: PollSpec | None = None
    result: RequestSpec | None = None
    cancel: RequestSpec | None = None
    warning: str | None = None


def implemented(name: str, spec: OperationSpec) -> tuple[Operation, ...]:
    """Return the operations that a call serves: those it declares, else the one that it is named after."""
    if spec.implements:
        return spec.implements
    return (Operation(name),) if name in _OPERATION_NAMES else ()
