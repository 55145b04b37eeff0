"""Google Gemini and Imagen through the google-genai SDK, with an API key or on Vertex."""

from imagegen_adapters.providers.gemini.provider import GeminiProvider

__all__ = ["GeminiProvider"]
