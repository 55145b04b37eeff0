"""Tokens: Fernet around a small JSON document that contains the context. Pure except for randomness.

Fernet does not support associated data, so a token moved to another row would open there. The context is
therefore part of the document, ``{"v": 1, "context": …, "secret": …}``, and checked at each opening.
"""

import json
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from imagegen_adapters.secret_boxes.messages import KeyCode
from imagegen_core.errors import KeysLocked

_VERSION = 1
_KEY_CHARS = 44


class WrongContext(KeysLocked):
    """The token is valid, but was sealed for another provider or origin."""


def new_key() -> str:
    """Return a new master key: 32 random bytes as 44 characters of URL-safe base64."""
    return Fernet.generate_key().decode("ascii")


def is_valid_key(key: str) -> bool:
    """Return whether the text is a valid master key."""
    try:
        Fernet(key)
    except ValueError:
        return False
    return len(key) == _KEY_CHARS  # the decoder ignores everything after the first "="


class Sealing:
    """Seals with the first of several master keys and opens tokens of any of them.

    Raises:
        ValueError: there is no key, or one is invalid.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = MultiFernet([Fernet(key) for key in keys])
        self._first = Fernet(keys[0])

    def seal(self, plaintext: str, *, context: str) -> str:
        """Return a token that opens only for this context."""
        document = json.dumps({"v": _VERSION, "context": context, "secret": plaintext})
        return self._first.encrypt(document.encode()).decode("ascii")

    def open(self, token: str, *, context: str) -> str:
        """Return the plain text.

        Raises:
            WrongContext: it was sealed for another context.
            KeysLocked: no key opens it.
        """
        document = self._document(token)
        if document.get("v") != _VERSION or not isinstance(document.get("secret"), str):
            raise KeysLocked(KeyCode.UNKNOWN_KEY_FORM())
        if document.get("context") != context:
            raise WrongContext(KeyCode.OTHER_KEY_CONTEXT())
        secret: str = document["secret"]
        return secret

    def rotate(self, token: str) -> str:
        """Return the token sealed with the first key; unchanged if it already is.

        Raises:
            KeysLocked: no key opens it.
        """
        if self.is_current(token):
            return token
        try:
            return self._keys.rotate(token).decode("ascii")
        except (InvalidToken, UnicodeError) as error:
            raise KeysLocked(KeyCode.WRONG_MASTER_KEY()) from error

    def is_current(self, token: str) -> bool:
        """Return whether the first key alone opens the token."""
        try:
            self._first.decrypt(token)
        except (InvalidToken, UnicodeError):
            return False
        return True

    def opens(self, token: str) -> bool:
        """Return whether any of the keys opens the token."""
        try:
            self._keys.decrypt(token)
        except (InvalidToken, UnicodeError):
            return False
        return True

    def _document(self, token: str) -> dict[str, Any]:
        try:
            document = json.loads(self._keys.decrypt(token))
        except (InvalidToken, UnicodeError) as error:
            raise KeysLocked(KeyCode.WRONG_MASTER_KEY()) from error
        except ValueError as error:
            raise KeysLocked(KeyCode.UNKNOWN_KEY_FORM()) from error
        return document if isinstance(document, dict) else {}
