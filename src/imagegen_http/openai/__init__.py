"""The part of the API that is compatible with OpenAI's Images API, on the same queue."""
