"""YAML, read by libyaml where it was compiled in: ten times faster, the same result."""

from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str) -> Any:
    """Return the document as plain values.

    Raises:
        yaml.YAMLError: it is malformed.
    """
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - both loaders are safe ones
