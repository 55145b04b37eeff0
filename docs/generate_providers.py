"""Writes docs/reference/providers.md from the profiles of all providers.

Run it as ``python docs/generate_providers.py``.
"""

from collections.abc import Iterator
from pathlib import Path

from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.providers.comfyui import ComfyUIProvider
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.providers.document.provider import HttpProvider
from imagegen_adapters.providers.document.reading import ALIASES, load_preset, preset_names
from imagegen_adapters.providers.document.schema import Document, SizeSpec
from imagegen_adapters.providers.gemini.provider import GeminiProvider
from imagegen_adapters.providers.stability import StableDiffusionProvider
from imagegen_adapters.system import SystemClock
from imagegen_core.config import ConfigSource, ModelEntry, ProviderConfig
from imagegen_core.facts import Price, Rate, Source, Witness
from imagegen_core.limits import MAX_SIDE_PIXELS
from imagegen_core.models import Model
from imagegen_core.ports.provider import Provider
from imagegen_core.requests import ImageRequest, Operation

PAGE = Path(__file__).parent / "reference" / "providers.md"

_HEAD = """# Providers

What each provider can do, by its default models. Other models can be configured by their id; one that a
provider does not know gets what its kind can do. The page is written by `docs/generate_providers.py`.

*refs* is the most reference images, *num* the most images of one request (with ×, each is a call of its
own), *prompt* the longest prompt in characters. A parameter that is not listed is refused; `…` means that it
is passed on.

*sizes* are what `width`, `height`, `size`, `aspect_ratio` and `image_size` may come to. A price is the
provider's, in its currency and without taxes; the first that fits an image counts, and one that is not known
is left out. *ends* is the first day without the model. The day beside each source is when somebody read it
there; *relay* says that only others that pass calls on say it, *notes* that it is from notes of this project.
`imagegen providers check` lists your own models by their end and the age of what is known of them.
"""


def page() -> str:
    """Return the page."""
    lines = [_HEAD]
    for title, note, provider, config in providers():
        models = provider.describe(config).models
        lines += [f"## {title}", "", note, "", *table(provider, config), ""]
        lines += [*facts(provider, config, models), ""]
    return "\n".join(lines).rstrip() + "\n"


def providers() -> Iterator[tuple[str, str, Provider, ProviderConfig]]:
    """Yield title, note, adapter and configuration of every section."""
    outbound = Outbound()
    yield "demo", "Draws offline; built in.", DemoProvider(SystemClock()), config("demo")
    gemini = GeminiProvider(outbound, clock=SystemClock())
    yield "gemini", "Google's developer API.", gemini, config("gemini")
    vertex = config("gemini", extra={"backend": "vertex"})
    yield "gemini, vertex", "`extra_config.backend: vertex`.", gemini, vertex
    diffusion = StableDiffusionProvider(outbound, clock=SystemClock())
    yield "stable_diffusion, a1111", "A server of your own.", diffusion, config("stable-diffusion")
    stability = config("stable-diffusion", extra={"dialect": "stability"})
    yield "stable_diffusion, stability", "Stability AI, hosted.", diffusion, stability
    comfyui = ComfyUIProvider(outbound, clock=SystemClock())
    yield "comfyui", "A server of your own, with the shipped workflow.", comfyui, config("comfyui")
    for name in preset_names():
        if name not in ALIASES:
            yield preset(name, HttpProvider(outbound, clock=SystemClock()))


def preset(name: str, provider: Provider) -> tuple[str, str, Provider, ProviderConfig]:
    """Return the section of a shipped document."""
    document = load_preset(name)
    models = () if document.models else (ModelEntry(id="(any)"),)
    others = [f"`{alias}`" for alias, target in ALIASES.items() if target == name]
    also = f" Also called {', '.join(others)}." if others else ""
    address = f"`{document.base_url}`" if document.base_url else "the address is yours"
    return f"http, {name}", f"{document.name}, {address}.{also}", provider, config(name, models=models)


def config(name: str, *, extra: dict | None = None, models: tuple[ModelEntry, ...] = ()) -> ProviderConfig:
    """Return a configuration without a key, enough to be described."""
    return ProviderConfig(
        provider_name=name, source=ConfigSource.FILE, extra_config=extra or {}, models=models or None
    )


def table(provider: Provider, config: ProviderConfig) -> Iterator[str]:
    """Yield the rows of a provider's models."""
    yield f"| model | {' | '.join(Operation)} | refs | num | prompt | parameters |"
    yield "|---" * (len(Operation) + 5) + "|"
    for model in provider.describe(config).models:
        cells = [mark(model, operation) for operation in Operation]
        refs = str(model.max_references) if Operation.REFERENCE in model.operations else "–"
        names = ", ".join(f"`{p.name}`" for p in model.parameters if p.name != "num")
        more = ", …" if model.accepts_extras else ""
        count = number(provider, model, config)
        row = (title(model), *cells, refs, count, str(model.prompt_chars), f"{names}{more}")
        yield f"| {' | '.join(row)} |"


def facts(provider: Provider, config: ProviderConfig, models: tuple[Model, ...]) -> Iterator[str]:
    """Yield what is known of a provider's models beyond what they can do, if anything is."""
    document = load_preset(config.provider_name) if isinstance(provider, HttpProvider) else None
    shared = [s for s in models[0].sources if all(s in model.sources for model in models)]
    if document is not None and not document.models:
        shared = list(document.sources)
    if shared:
        yield from (f"Read at {', '.join(map(link, shared))}.", "")
    yield "| model | sizes | price | ends | source of its own |"
    yield "|---|---|---|---|---|"
    for model in models:
        price = "–" if model.price is None else amounts(model.price)
        own = [s for s in model.sources if s not in shared]
        own += [model.price.source] if model.price is not None and model.price.source is not None else []
        cells = (sizes(document, model), price, end(model), ", ".join(map(link, own)) or "–")
        yield f"| `{model.id}` | {' | '.join(cells)} |"


def sizes(document: Document | None, model: Model) -> str:
    """Return the sizes that a model makes."""
    spec = None if document is None else document.model(model.id)
    if spec is None or spec.size is None:
        tiers = next((p.enum for p in model.parameters if p.name == "image_size" and p.enum), ())
        return ", ".join(tiers) or "–"
    others = (f"{operation}: {size_rules(size)}" for operation, size in spec.size_for.items())
    return "; ".join((size_rules(spec.size), *others))


def size_rules(spec: SizeSpec) -> str:
    """Return which sizes a specification lets through."""
    words = ", ".join(f"`{word}`" for word in (*spec.values, *spec.ratios, *spec.extra))
    if spec.kind != "wxh":
        return words or "fixed"
    limits = [f"sides {spec.min}–{spec.max}"] if (spec.min, spec.max) != (1, MAX_SIDE_PIXELS) else []
    if spec.min_pixels > 1 or spec.max_pixels < MAX_SIDE_PIXELS**2:
        limits.append(f"{spec.min_pixels:,}–{spec.max_pixels:,} pixels")
    if spec.multiple_of > 1:
        limits.append(f"multiples of {spec.multiple_of}")
    if spec.ratio is not None:
        limits.append(f"width/height {spec.ratio[0]:g}–{spec.ratio[1]:g}")
    return ", ".join([*limits, *([words] if words else [])]) or "any"


def amounts(price: Price) -> str:
    """Return a price list on one line."""
    return f"{price.currency} " + "; ".join(map(amount, price.rates))


def amount(rate: Rate) -> str:
    """Return one of its rates."""
    unit = f"million {rate.tokens} tokens" if rate.tokens else str(rate.per).replace("_", " ")
    pixels = [] if rate.max_pixels is None else [f"up to {rate.max_pixels:,} pixels"]
    unit += f" after the first {rate.free}" if rate.free else ""
    conditions = [*rate.sizes, *rate.qualities, *pixels, *rate.operations]
    return f"{rate.amount.normalize():f} per {unit}" + (f" ({', '.join(conditions)})" if conditions else "")


def end(model: Model) -> str:
    """Return when a model ends, and what follows."""
    retires, replaced_by = model.lifecycle.retires, model.lifecycle.replaced_by
    if retires is None and replaced_by is None:
        return "–"
    return f"{retires or 'deprecated'}" + (f", use `{replaced_by}`" if replaced_by else "")


def link(source: Source) -> str:
    """Return a source with its day."""
    witness = "" if source.by is Witness.PROVIDER else f", {source.by}"
    note = f" ({source.note})" if source.note else ""
    return f"[{source.url.split('/')[2]}]({source.url}) {source.read}{witness}{note}"


def title(model: Model) -> str:
    """Return a model's name in the table."""
    star = " (default)" if model.default else ""
    return f"`{model.id}`{star}"


def mark(model: Model, operation: Operation) -> str:
    """Return whether a model can do an operation."""
    return "✓" if operation in model.operations else "–"


def number(provider: Provider, model: Model, config: ProviderConfig) -> str:
    """Return how many images a request may ask for, and whether each is a call."""
    request = ImageRequest(operation=model.operations[0], prompt="x", params={"num": 2})
    apart = len(provider.split(request, model, config)) > 1
    return f"{model.max_num}{' ×' if apart and model.max_num > 1 else ''}"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
