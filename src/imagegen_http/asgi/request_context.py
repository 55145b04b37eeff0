"""The request id and language of the request that is being served."""

from contextvars import ContextVar

from imagegen_core.messages import Language, Message

request_id: ContextVar[str] = ContextVar("request_id", default="")
english: ContextVar[bool] = ContextVar("english", default=False)


def text(message: Message) -> str:
    """Return a message in the language of whoever asks."""
    return message.text(Language.EN if english.get() else Language.ZH)
