"""ComfyUI: any workflow that it exports for its API, as a provider."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagegen_adapters.providers.comfyui.provider import ComfyUIProvider

__all__ = ["ComfyUIProvider"]


def __getattr__(name: str) -> Any:
    """Load the adapter once it is asked for; its messages are needed without it, too."""
    if name not in __all__:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.provider"), name)
