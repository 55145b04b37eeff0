"""Life, price and successor of models that no document describes, from ``models.yaml``; others are active."""

import datetime as dt
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import attrs
import cattrs
import yaml

from imagegen_core.config import ModelEntry
from imagegen_core.forms import fields_of
from imagegen_core.models import Lifecycle, Model, Parameter
from imagegen_core.prices import Price, Source, parse_date, parse_price, parse_source
from imagegen_core.requests import Operation

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """Return YAML as built-in types; with libyaml, if PyYAML was built with it, ten times as fast."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe loaders


_FIELDS = fields_of("imagegen_adapters")


def own_parameter(name: str, type: str = "string", *, words: str | None = None, **rules: Any) -> Parameter:
    """Return a parameter that a form describes by its ``words``; with choices it is one of them."""
    field = _FIELDS[words or name]
    return Parameter(name=name, type=type, form_field=field, **{"enum": tuple(field.choices), **rules})


@attrs.frozen(kw_only=True)
class CatalogueEntry:
    """One model of the data file, as in a document: ``retires`` is the first day without it."""

    id: str
    retires: dt.date | None = None
    replaced_by: str | None = None
    price: Price | None = None


@attrs.frozen(kw_only=True)
class CataloguedProvider:
    """The models of one provider, and where that was read."""

    provider: str
    sources: tuple[Source, ...]
    models: tuple[CatalogueEntry, ...]


@attrs.frozen(kw_only=True)
class ModelFacts:
    """What a description of a model takes from here."""

    lifecycle: Lifecycle = attrs.field(factory=Lifecycle)
    price: Price | None = None
    sources: tuple[Source, ...] = ()


def facts_of(model_id: str, *, provider: str) -> ModelFacts:
    """Return what is known of a model; a leading ``models/`` or ``publishers/…/models/`` is ignored.

    Another provider's model of that id tells its lifecycle: who passes calls on cannot serve it longer.
    """
    name, facts = model_id.rpartition("models/")[2], _facts()
    return facts.get((provider, name)) or facts.get((None, name)) or ModelFacts()


def configured_model(
    entry: ModelEntry, operations: Iterable[Operation], *, provider: str | None = None, **traits: Any
) -> Model:
    """Return the model of an entry, whose ``capabilities`` select from the ``operations``."""
    chosen = tuple(operations)
    if entry.capabilities is not None:
        chosen = tuple(operation for operation in entry.capabilities if operation in chosen)
    facts = ModelFacts() if provider is None else facts_of(entry.id, provider=provider)
    facts_and_traits = {**attrs.asdict(facts, recurse=False), **traits}
    return Model(id=entry.id, name=entry.name, default=entry.default, operations=chosen, **facts_and_traits)


@cache
def catalogue() -> tuple[CataloguedProvider, ...]:
    text = resources.files(__package__ or "").joinpath("models.yaml").read_text("utf-8")
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(dt.date, lambda value, _: parse_date(value, "date"))
    converter.register_structure_hook(Source, lambda value, _: parse_source(value, "sources"))
    converter.register_structure_hook(Price, lambda value, _: parse_price(value, "price"))
    return converter.structure(load_yaml(text), tuple[CataloguedProvider, ...])


@cache
def _facts() -> Mapping[tuple[str | None, str], ModelFacts]:
    """Return the facts by provider and id; those by None and id hold for every provider."""
    facts: dict[tuple[str | None, str], ModelFacts] = {}
    for listed in catalogue():
        for model in listed.models:
            shared = ModelFacts(lifecycle=Lifecycle(retires=model.retires, replaced_by=model.replaced_by))
            own = attrs.evolve(shared, price=model.price, sources=listed.sources)
            facts[None, model.id], facts[listed.provider, model.id] = shared, own
    return MappingProxyType(facts)
