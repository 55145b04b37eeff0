"""Stable Diffusion, self-hosted (A1111's API) or at Stability AI."""

from imagegen_adapters.providers.stable_diffusion.provider import StableDiffusionProvider

__all__ = ["StableDiffusionProvider"]
