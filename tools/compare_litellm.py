"""Compares the shipped models with LiteLLM's public price map: ids, prices, and days of retirement.

Run it as ``python tools/compare_litellm.py FILE_OR_URL``; the map is LiteLLM's
``model_prices_and_context_window.json``. Each line is a difference to look up at the provider's own page;
nothing is changed, and the map is not kept. Ends with 1 when there are differences.
"""

import json
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from imagegen_adapters.providers import stability
from imagegen_adapters.providers.common.calls import catalogue
from imagegen_adapters.providers.document.reading import ALIASES, load_preset, preset_names
from imagegen_core.facts import Price, TokenKind, Unit
from imagegen_core.models import Lifecycle

LITELLM_NAMES: Mapping[str, str] = {
    "openai": "openai",
    "google": "gemini",
    "stability": "stability",
    "bfl": "black_forest_labs",
    "xai": "xai",
    "recraft": "recraft",
    "openrouter": "openrouter",
    "dashscope": "dashscope",
    "ark": "volcengine",
    "fal": "fal_ai",
}
"""What LiteLLM calls our providers; the others are not in its map."""

_TOKENS: Mapping[TokenKind, tuple[str, ...]] = {
    TokenKind.TEXT_INPUT: ("input_cost_per_token",),
    TokenKind.CACHED_TEXT_INPUT: ("cache_read_input_token_cost",),
    TokenKind.IMAGE_INPUT: ("input_cost_per_image_token",),
    TokenKind.CACHED_IMAGE_INPUT: ("cache_read_input_image_token_cost",),
    TokenKind.IMAGE_OUTPUT: ("output_cost_per_image_token",),
}
"""The fields of the map for each kind of token; their amounts are for one token."""

_TIMEOUT_SECONDS = 60


@attrs.frozen(kw_only=True)
class ShippedModel:
    """What is shipped of a model."""

    provider: str
    id: str
    lifecycle: Lifecycle
    price: Price | None


def shipped_models() -> Iterator[ShippedModel]:
    """Yield every model of the documents and of the catalogue."""
    documents = {name: load_preset(name) for name in preset_names() if name not in ALIASES}
    for name, document in {**documents, "stability": stability.load_stability()}.items():
        for model in document.models:
            lifecycle = Lifecycle(retires=model.retires, replaced_by=model.replaced_by)
            yield ShippedModel(provider=name, id=model.id, lifecycle=lifecycle, price=model.price)
    for (provider, model_id), facts in catalogue().items():
        if provider is not None:
            yield ShippedModel(provider=provider, id=model_id, lifecycle=facts.lifecycle, price=facts.price)


def differences(price_map: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each difference between what is shipped and the map."""
    shipped = [model for model in shipped_models() if model.provider in LITELLM_NAMES]
    entries = dict(_image_entries(price_map))
    for model in shipped:
        entry = entries.get((LITELLM_NAMES[model.provider], model.id))
        if entry is not None:
            yield from (f"{model.provider} {model.id}: {text}" for text in _of_model(model, entry))
        elif model.lifecycle == Lifecycle():
            yield f"{model.provider} {model.id}: not in the map"
    known = {(LITELLM_NAMES[model.provider], model.id) for model in shipped}
    ours = {theirs: name for name, theirs in LITELLM_NAMES.items()}
    for provider, model_id in sorted(set(entries) - known):
        yield f"{ours[provider]} {model_id}: only in the map"


def _image_entries(price_map: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Mapping[str, Any]]]:
    for key, entry in price_map.items():
        if not isinstance(entry, Mapping) or entry.get("mode") not in ("image_generation", "image_edit"):
            continue
        provider = entry.get("litellm_provider")
        if provider in LITELLM_NAMES.values():
            yield (provider, key.removeprefix(f"{provider}/")), entry


def _of_model(model: ShippedModel, entry: Mapping[str, Any]) -> Iterator[str]:
    retires = None if model.lifecycle.retires is None else model.lifecycle.retires.isoformat()
    if entry.get("deprecation_date") != retires:
        yield f"retires {retires} here, {entry.get('deprecation_date')} there"
    for rate in () if model.price is None or model.price.currency != "USD" else model.price.rates:
        if rate.per is Unit.MILLION_TOKENS and rate.tokens in _TOKENS:
            amount, fields = rate.amount / 1_000_000, _TOKENS[rate.tokens]
        elif rate.per is Unit.IMAGE and len(model.price.rates) == 1:
            amount, fields = rate.amount, ("output_cost_per_image",)
        else:
            continue
        for field in fields:
            if field in entry and Decimal(str(entry[field])) != amount:
                yield f"{field} {amount.normalize():f} here, {entry[field]} there"


def read_map(place: str) -> Mapping[str, Any]:
    """Return the map from a file, or from a URL that whoever runs this names."""
    if place.startswith(("https://", "http://")):
        with urllib.request.urlopen(place, timeout=_TIMEOUT_SECONDS) as response:
            return json.load(response)
    return json.loads(Path(place).read_text("utf-8"))


def main(arguments: list[str]) -> int:
    """Print the differences."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    lines = list(differences(read_map(arguments[0])))
    print("\n".join(lines) or "no differences")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
