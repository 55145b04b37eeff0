"""The lifecycle of models: whether their provider still serves them, and what replaces them.

The data is in ``lifecycles.yaml`` next to this module; a model that it does not list counts as active. The
capabilities of a model are defined by its adapter.
"""

from functools import cache
from importlib import resources
from types import MappingProxyType

import attrs
import cattrs

from imagegen_adapters.yaml_loaders.libyaml import load_yaml
from imagegen_core.providers.capabilities import Lifecycle, LifecycleStatus


@attrs.frozen(kw_only=True)
class CatalogueEntry:
    """One entry of the data file; ``date`` (ISO) is when the provider retired the model or will retire it."""

    id: str
    provider: str
    status: LifecycleStatus = LifecycleStatus.ACTIVE
    date: str | None = None
    replacement: str | None = None

    @property
    def lifecycle(self) -> Lifecycle:
        """The entry as a value of the core."""
        return Lifecycle(status=self.status, date=self.date, replacement=self.replacement)


def lifecycle_of(model_id: str) -> Lifecycle:
    """Return the lifecycle of a model; active if it is not in the catalogue.

    A leading ``models/`` or ``publishers/…/models/`` is ignored.
    """
    entry = catalogue().get(model_id.rpartition("models/")[2])
    return entry.lifecycle if entry is not None else Lifecycle()


@cache
def catalogue() -> "MappingProxyType[str, CatalogueEntry]":
    """Return all entries by id."""
    text = resources.files(__name__).joinpath("lifecycles.yaml").read_text("utf-8")
    entries = cattrs.Converter(forbid_extra_keys=True).structure(load_yaml(text), list[CatalogueEntry])
    return MappingProxyType({entry.id: entry for entry in entries})
