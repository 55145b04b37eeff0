"""The whole document: operations, models, and what holds for all of them."""

from collections.abc import Mapping

import attrs

from imagegen_adapters.providers.http.expressions import Expression
from imagegen_adapters.providers.http.schema.auth import Auth
from imagegen_adapters.providers.http.schema.errors import ErrorSpec
from imagegen_adapters.providers.http.schema.model import ModelSpec
from imagegen_adapters.providers.http.schema.operation import OperationSpec, implemented
from imagegen_adapters.providers.http.schema.request import RequestSpec
from imagegen_adapters.providers.http.templates import Template
from imagegen_core.operations import Operation
from imagegen_core.providers.sources import Source


@attrs.frozen(kw_only=True)
class EgressSpec:
    """Where responses may send us: to ``allow_hosts`` with the key, to ``download_hosts`` without it."""

    allow_hosts: tuple[str, ...] = ()
    download_hosts: tuple[str, ...] = ()
    max_json_bytes: int = 67_108_864


@attrs.frozen(kw_only=True)
class DownloadSpec:
    """How result files are downloaded."""

    headers: Mapping[str, str] = attrs.field(factory=dict)
    timeout_s: float = 120.0


@attrs.frozen(kw_only=True)
class HealthSpec:
    """A cheap, unpaid request that shows whether address and key work."""

    request: RequestSpec
    ok_if: Expression | None = None


@attrs.frozen(kw_only=True, eq=False)
class Document:
    """A whole provider. ``n_strategy`` None means native if a template mentions ``n``, otherwise fan-out.

    Unless it is ``billed``, a model without a price costs nothing. ``timeout_s`` is for one call, where the
    configuration says nothing.

    ``form`` names the parameters that a form shows, in its order; empty for all.
    A document is parsed once and then shared, so it is equal only to itself.
    """

    schema: int
    id: str
    operations: Mapping[str, OperationSpec]
    models: tuple[ModelSpec, ...] = ()
    form: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()
    name: str = ""
    base_url: str | None = None
    auth: Auth = attrs.field(factory=Auth)
    headers: Mapping[str, Template] = attrs.field(factory=dict)
    vars: Mapping[str, Template] = attrs.field(factory=dict)
    concurrency: int | None = None
    timeout_s: float | None = None
    billed: bool = True
    n_strategy: str | None = None
    extras: str = "pass"
    egress: EgressSpec = EgressSpec()
    errors: ErrorSpec = attrs.field(factory=ErrorSpec)
    download: DownloadSpec = DownloadSpec()
    health: HealthSpec | None = None

    def operation_for(self, operation: Operation, model: ModelSpec) -> OperationSpec | None:
        """Return the call that serves ``operation``: the one the model names, else the first that does."""
        named = model.operation.get(operation)
        if named is not None:
            return self.operations.get(named)
        serving = (spec for name, spec in self.operations.items() if operation in implemented(name, spec))
        return next(serving, None)
