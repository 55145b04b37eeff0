"""The contract of a secret box, as tests to subclass.

A subclass provides three boxes; the other two cannot open what the first one has sealed::

    class TestMyBox(SecretBoxContract):
        @pytest.fixture
        def box(self):
            return MyBox(new_key())

        @pytest.fixture
        def stranger(self):
            return MyBox(new_key())

        @pytest.fixture
        def locked_box(self):
            return MyBox(None)
"""

import pytest

from imagegen_core.errors import KeysLocked
from imagegen_core.ports.secret_box import SecretBox

CONTEXT = "openai|https://api.example.com:443"


class SecretBoxContract:
    """A token opens only with the same master key and in the same context."""

    @pytest.fixture
    def box(self) -> SecretBox:
        """Return the box under test."""
        raise NotImplementedError

    @pytest.fixture
    def stranger(self) -> SecretBox:
        """Return a box of the same kind under another master key."""
        raise NotImplementedError

    @pytest.fixture
    def locked_box(self) -> SecretBox:
        """Return a box whose master key is missing."""
        raise NotImplementedError

    @pytest.mark.parametrize("secret", ["sk-canary", "", "密钥 🔑", "a\0b\r\n\"'\\</>", "k" * 100_000])
    @pytest.mark.parametrize("context", [CONTEXT, "", "提供商|\n"])
    def test_what_was_sealed_opens_in_its_context(self, box: SecretBox, secret: str, context: str) -> None:
        """Any text is read back unchanged."""
        assert secret == box.open(box.seal(secret, context=context), context=context)

    def test_a_token_shows_neither_secret_nor_context(self, box: SecretBox) -> None:
        """Both are encrypted, and the token is printable ASCII."""
        token = box.seal("sk-canary", context=CONTEXT)

        assert [False, False, True] == [
            "canary" in token,
            "example" in token,
            token.isascii() and token.isprintable(),
        ]

    def test_equal_secrets_have_different_tokens(self, box: SecretBox) -> None:
        """Nobody can see that two providers share a key."""
        tokens = {box.seal("sk-1", context=CONTEXT) for _ in range(10)}

        assert 10 == len(tokens)
        assert {"sk-1"} == {box.open(token, context=CONTEXT) for token in tokens}

    @pytest.mark.parametrize("context", ["openai|https://evil.example:443", CONTEXT.upper(), ""])
    def test_a_token_that_was_moved_does_not_open(self, box: SecretBox, context: str) -> None:
        """A token is bound to its context, so writing to the database cannot move a key to another target."""
        token = box.seal("sk-1", context=CONTEXT)

        with pytest.raises(KeysLocked):
            box.open(token, context=context)

    def test_a_stranger_opens_nothing(self, box: SecretBox, stranger: SecretBox) -> None:
        """Another master key opens nothing, in either direction."""
        for sealer, opener in ((box, stranger), (stranger, box)):
            token = sealer.seal("sk-1", context=CONTEXT)
            with pytest.raises(KeysLocked):
                opener.open(token, context=CONTEXT)

    @pytest.mark.parametrize("part", [0.0, 0.25, 0.5, 0.75])
    def test_a_damaged_token_does_not_open(self, box: SecretBox, part: float) -> None:
        """A single changed character is detected, wherever it is."""
        token = box.seal("sk-1", context=CONTEXT)
        at = int(len(token) * part)
        damaged = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]

        with pytest.raises(KeysLocked):
            box.open(damaged, context=CONTEXT)

    @pytest.mark.parametrize("token", ["", "x", "ключ", "gAAAAA" * 30])
    def test_something_else_does_not_open(self, box: SecretBox, token: str) -> None:
        """Text that is no token is refused like a wrong key."""
        with pytest.raises(KeysLocked):
            box.open(token, context=CONTEXT)

    def test_a_box_with_its_key_is_not_locked(self, box: SecretBox, locked_box: SecretBox) -> None:
        """`locked` says whether the master key is there."""
        assert (False, True) == (box.locked, locked_box.locked)

    def test_a_locked_box_does_nothing(self, box: SecretBox, locked_box: SecretBox) -> None:
        """A locked box can neither seal nor open, even an intact token."""
        token = box.seal("sk-1", context=CONTEXT)

        with pytest.raises(KeysLocked):
            locked_box.seal("sk-1", context=CONTEXT)
        with pytest.raises(KeysLocked):
            locked_box.open(token, context=CONTEXT)

    def test_no_error_shows_a_secret(self, box: SecretBox, locked_box: SecretBox) -> None:
        """Error messages quote neither secrets nor tokens."""
        token = box.seal("sk-canary", context=CONTEXT)
        with pytest.raises(KeysLocked) as sealing:
            locked_box.seal("sk-canary", context=CONTEXT)
        with pytest.raises(KeysLocked) as opening:
            locked_box.open(token, context=CONTEXT)
        with pytest.raises(KeysLocked) as moved:
            box.open(token, context="canary")

        messages = [str(caught.value) for caught in (sealing, opening, moved)]
        assert not [message for message in messages if "canary" in message or token in message]
