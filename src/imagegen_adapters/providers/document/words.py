"""What can be wrong with a declarative document, and what a call that it describes can end in."""

from imagegen_core.messages import Message, MessageCode


class DocumentCode(MessageCode, words="imagegen_adapters"):
    """Rules of documents. Each sentence goes on after the field's path."""


class Malformed(ValueError):
    """A part of a document is not what it must be; ``reason`` says why."""

    def __init__(self, reason: Message) -> None:
        super().__init__(str(reason))
        self.reason = reason
