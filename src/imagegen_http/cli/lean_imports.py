"""Imports libraries without those parts of them that nothing here uses and that take long to load.

Each part is optional: the library does without it, as where the part is not installed.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def load_httpx() -> None:
    """Import httpx without its own command line, which draws with rich and pygments."""
    with _hidden("httpx._main"):
        import httpx  # noqa: F401 - whoever uses it finds it loaded


def load_structlog() -> None:
    """Import structlog without rich's tracebacks; those in our log are plain text."""
    with _hidden("rich"):
        import structlog  # noqa: F401 - the same


@contextmanager
def _hidden(name: str) -> Iterator[None]:
    """Let imports of a module fail in the context, as Python does where its entry is None."""
    loaded = sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment] # documented, but not in the type
    try:
        yield
    finally:
        del sys.modules[name]
        if loaded is not None:
            sys.modules[name] = loaded
