"""The part of the API that speaks as OpenAI's Images do, on the same queue."""

from imagegen_http.openai.routes import openai_router

__all__ = ["openai_router"]
