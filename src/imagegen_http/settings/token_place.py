"""Where the token of callers is kept, for a person to look it up; the token itself is shown nowhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from imagegen_http.settings.values import EnvText

_VARIABLE = "IMAGEGEN_SERVER__AUTH_TOKEN"


@attrs.frozen(kw_only=True)
class TokenPlace:
    """A file, or the name of an environment variable."""

    file: str | None = None
    variable: str | None = None

    @classmethod
    def of_tree(cls, tree: Mapping[str, Any], settings_file: Path) -> "TokenPlace | None":
        """Return the place that the settings name, which may be their own file; None without a token."""
        server = tree.get("server") or {}
        value = server.get("auth_token") if isinstance(server, Mapping) else None
        if not value:
            return None
        kind, _, name = str(value).partition(":")
        if kind == "env":
            return cls(variable=name)
        if kind == "file":
            return cls(file=str(settings_file.parent / name))
        return cls(variable=_VARIABLE) if isinstance(value, EnvText) else cls(file=str(settings_file))
