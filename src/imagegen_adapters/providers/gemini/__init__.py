"""Google Gemini and Imagen through the google-genai SDK, with an API key or on Vertex."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_adapters.providers.gemini.provider import GeminiProvider

__all__ = ["GeminiProvider"]


def __getattr__(name: str) -> Any:
    """Load the adapter once it is asked for; its messages are needed without it, too."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.provider"), name)
