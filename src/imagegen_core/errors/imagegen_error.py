"""The root of what this library raises on purpose."""

from imagegen_core.messages import Language, Message


class ImagegenError(Exception):
    """The root of what this library raises on purpose; ``reason`` says why, in every language."""

    def __init__(self, reason: Message) -> None:
        self.reason = reason
        super().__init__(reason.text(Language.EN))
