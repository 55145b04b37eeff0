"""The request id and language of the request that is being served."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
english: ContextVar[bool] = ContextVar("english", default=False)
