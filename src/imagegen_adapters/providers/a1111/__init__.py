"""Stable Diffusion on a self-hosted server: A1111's WebUI, Forge, SD.Next."""
