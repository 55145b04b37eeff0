"""The part of the API that is compatible with OpenAI's Images API, on the same queue."""

from imagegen_http.openai.routes import openai_router

__all__ = ["openai_router"]
