"""What several providers say of a request before it is sent."""

from imagegen_core.messages import MessageCode


class InputCode(MessageCode, words="imagegen_adapters"):
    """Rules of providers about what comes with a request. Each sentence goes on after the field's name."""


class ResponseCode(MessageCode, words="imagegen_adapters"):
    """What is wrong with a provider's response, or with the call that brought it."""
