"""What is known of models by their ids: whether a provider still serves them, and what replaces them.

``lifecycles.yaml`` beside this module is the data; a model that it does not name counts as active.
What a model can do is each adapter's own knowledge.
"""

from functools import cache
from importlib import resources
from types import MappingProxyType

import attrs
import cattrs

from imagegen_adapters.fast_yaml import load_yaml
from imagegen_core.providers.capabilities import Lifecycle, LifecycleStatus


@attrs.frozen(kw_only=True)
class CatalogueEntry:
    """One line of the data file; ``date`` (ISO) is when the provider switched it off or will."""

    id: str
    provider: str
    status: LifecycleStatus = LifecycleStatus.ACTIVE
    date: str | None = None
    replacement: str | None = None

    @property
    def lifecycle(self) -> Lifecycle:
        """The entry as the core's value."""
        return Lifecycle(status=self.status, date=self.date, replacement=self.replacement)


def lifecycle_of(model_id: str) -> Lifecycle:
    """Return where ``model_id`` is in its life; active when the catalogue does not know it.

    A leading ``models/`` or ``publishers/…/models/`` makes no difference.
    """
    entry = catalogue().get(model_id.rpartition("models/")[2])
    return entry.lifecycle if entry is not None else Lifecycle()


@cache
def catalogue() -> "MappingProxyType[str, CatalogueEntry]":
    """Return all entries by id."""
    text = resources.files(__name__).joinpath("lifecycles.yaml").read_text("utf-8")
    entries = cattrs.Converter(forbid_extra_keys=True).structure(load_yaml(text), list[CatalogueEntry])
    return MappingProxyType({entry.id: entry for entry in entries})
