"""Stable Diffusion on a server of one's own: A1111's WebUI, Forge, SD.Next."""
