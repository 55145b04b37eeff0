"""The request id and language of the request that is being served."""

from contextvars import ContextVar

from imagegen_core.messages import Language, Message

request_id: ContextVar[str] = ContextVar("request_id", default="")
language: ContextVar[Language] = ContextVar("language", default=Language.ZH)


def text(message: Message) -> str:
    """Return a message in the language of whoever asks."""
    return message.text(language.get())


def optional_text(message: Message | None) -> str | None:
    """Return the same, or None."""
    return None if message is None else text(message)
