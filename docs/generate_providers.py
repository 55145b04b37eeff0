"""Writes docs/reference/providers.md from the profiles of all providers.

Run it as ``python docs/generate_providers.py``.
"""

from collections.abc import Iterator
from pathlib import Path

from imagegen_adapters.clocks.memory import ManualClock
from imagegen_adapters.outbound import Outbound
from imagegen_adapters.providers.demo.provider import DemoProvider
from imagegen_adapters.providers.gemini import GeminiProvider
from imagegen_adapters.providers.http import HttpProvider, PresetLibrary
from imagegen_adapters.providers.http.presets import ALIASES
from imagegen_adapters.providers.stable_diffusion import StableDiffusionProvider
from imagegen_core.operations import ImageRequest, Operation
from imagegen_core.ports.provider import Provider
from imagegen_core.providers.capabilities import Model
from imagegen_core.providers.config import ConfigSource, ModelEntry, ProviderConfig

PAGE = Path(__file__).parent / "reference" / "providers.md"

_HEAD = """# Providers

What each provider can do, by its default models. Other models can be configured by their id; one that a
provider does not know gets what its kind can do. The page is written by `docs/generate_providers.py`.

*refs* is the most reference images, *num* the most images of one request (with ×, each is a call of its
own), *prompt* the longest prompt in characters. A parameter that is not listed is refused; `…` means that it
is passed on.
"""


def page() -> str:
    """Return the page."""
    lines = [_HEAD]
    for title, note, provider, config in providers():
        lines += [f"## {title}", "", note, "", *table(provider, config), ""]
    return "\n".join(lines).rstrip() + "\n"


def providers() -> Iterator[tuple[str, str, Provider, ProviderConfig]]:
    """Yield title, note, adapter and configuration of every section."""
    outbound = Outbound()
    yield "demo", "Draws offline; built in.", DemoProvider(ManualClock()), config("demo")
    gemini = GeminiProvider(outbound, clock=ManualClock())
    yield "gemini", "Google's developer API.", gemini, config("gemini")
    vertex = config("gemini", extra={"backend": "vertex"})
    yield "gemini, vertex", "`extra_config.backend: vertex`.", gemini, vertex
    diffusion = StableDiffusionProvider(outbound)
    yield "stable_diffusion, a1111", "A server of your own.", diffusion, config("stable-diffusion")
    stability = config("stable-diffusion", extra={"dialect": "stability"})
    yield "stable_diffusion, stability", "Stability AI, hosted.", diffusion, stability
    library = PresetLibrary()
    for name in library.names():
        if name not in ALIASES:
            yield preset(name, library, HttpProvider(outbound, clock=ManualClock(), presets=library))


def preset(
    name: str, library: PresetLibrary, provider: Provider
) -> tuple[str, str, Provider, ProviderConfig]:
    """Return the section of a shipped document."""
    document = library.load(name)
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


def title(model: Model) -> str:
    """Return a model's name in the table."""
    star = " (default)" if model.default else ""
    return f"`{model.id}`{star}" + (f", until {model.lifecycle.retires}" if model.lifecycle.retires else "")


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
