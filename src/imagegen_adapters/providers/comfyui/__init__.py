"""ComfyUI: any workflow that it exports for its API, as a provider."""

from imagegen_adapters.providers.comfyui.provider import ComfyUIProvider

__all__ = ["ComfyUIProvider"]
