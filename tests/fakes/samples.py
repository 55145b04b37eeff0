"""What providers answer, as their documentation shows it: the files of ``tests/samples``."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import attrs

from imagegen_adapters.providers.common.calls import load_yaml

FOLDER = Path(__file__).parents[1] / "samples"
_NAME = re.compile(r"\$\{(\w+)\}")


@attrs.frozen(kw_only=True)
class Sample:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: Any


@cache
def provider_samples(provider: str) -> dict[str, Any]:
    """Return the file of a provider."""
    return load_yaml((FOLDER / f"{provider}.yaml").read_text("utf-8"))


def sample(provider: str, name: str, /, **values: Any) -> Sample:
    """Return an answer with these values in place of their names; a tuple repeats the item that names it.

    Raises:
        KeyError: there is no such answer, or it names something that has no value.
    """
    answer = provider_samples(provider)["answers"][name]
    return Sample(
        status=answer.get("status", 200),
        headers=answer.get("headers", {}),
        body=_filled(answer["body"], values),
    )


def _filled(template: Any, values: dict[str, Any]) -> Any:
    if isinstance(template, dict):
        return {_filled(key, values): _filled(value, values) for key, value in template.items()}
    if isinstance(template, list):
        return [item for entry in template for item in _items(entry, values)]
    if not isinstance(template, str):
        return template
    if whole := _NAME.fullmatch(template):
        return values[whole[1]]
    return _NAME.sub(lambda match: str(values[match[1]]), template)


def _items(template: Any, values: dict[str, Any]) -> list[Any]:
    """Return the entry of a list, once for each of the several values that it names."""
    names = [name for name in _NAME.findall(str(template)) if isinstance(values[name], tuple)]
    rows = zip(*(values[name] for name in names), strict=True) if names else [()]
    return [_filled(template, {**values, **dict(zip(names, row, strict=True))}) for row in rows]
