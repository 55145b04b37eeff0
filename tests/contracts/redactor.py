"""The contract of a redactor, as tests to subclass.

A subclass provides the fixture ``redactor``, which knows no secret yet::

    class TestMyRedactor(RedactorContract):
        @pytest.fixture
        def redactor(self):
            return MyRedactor()
"""

import base64
import json
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from imagegen_core.ports.redactor import Redactor


def _base64_at(offset: int, secret: str, encode: Callable[[bytes], bytes] = base64.b64encode) -> str:
    return encode(b"x" * offset + secret.encode() + b"yz").decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "url": lambda s: quote(s, safe=""),
    "url with slashes": quote,
    "form": quote_plus,
    "url twice": lambda s: quote(quote(s, safe="")),
    "url lower": lambda s: "".join(f"%{b:02x}" for b in s.encode()),
    "json": lambda s: json.dumps(s)[1:-1],
    "json in json": lambda s: json.dumps(json.dumps(s))[3:-3],
    "php json": lambda s: json.dumps(s)[1:-1].replace("/", "\\/"),
    "repr": lambda s: repr(s)[1:-1],
    "hex": lambda s: s.encode().hex(),
    "HEX": lambda s: s.encode().hex().upper(),
    "html": escape,
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 bare": lambda s: base64.b64encode(s.encode()).decode().rstrip("="),
    "base64url": lambda s: base64.urlsafe_b64encode(s.encode()).decode(),
    "basic auth": lambda s: _base64_at(5, s),
    "base64 shifted by 1": lambda s: _base64_at(1, s),
    "base64 shifted by 2": lambda s: _base64_at(2, s),
    "base64url shifted by 1": lambda s: _base64_at(1, s, base64.urlsafe_b64encode),
}
"""How libraries and providers encode a secret before they quote it."""

SECRETS = ("Zq8-canary_0123456789", "Zq/8+canary=\"q'\\&<>?#%", "alice:correct horse battery")


class RedactorContract:
    """A registered secret appears in no text, in any encoding."""

    @pytest.fixture
    def redactor(self) -> Redactor:
        """Return the redactor under test."""
        raise NotImplementedError

    @pytest.mark.parametrize("secret", SECRETS)
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_a_secret_shows_in_no_spelling(self, redactor: Redactor, spelling: str, secret: str) -> None:
        """No eight consecutive characters of it are left, and the text around it is unchanged."""
        encoded = SPELLINGS[spelling](secret)
        redactor.register(secret)

        redacted = redactor.redact(f"before {encoded} after")

        assert not [at for at in range(len(encoded) - 7) if encoded[at : at + 8] in redacted]
        assert redacted.startswith("before ")
        assert redacted.endswith(" after")

    @pytest.mark.parametrize("secret", SECRETS)
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_a_secret_is_found_in_bytes(self, redactor: Redactor, spelling: str, secret: str) -> None:
        """In every spelling, and in bytes that are no text; not before it is registered."""
        data = b"\xff\0" + SPELLINGS[spelling](secret).encode() + b"\xff"
        before = redactor.contains_secret(data)
        redactor.register(secret)

        assert (False, True) == (before, redactor.contains_secret(data))

    def test_a_secret_that_is_cut_off_is_found(self, redactor: Redactor) -> None:
        """As in a response whose connection broke; a few characters that it begins with are none."""
        redactor.register(SECRETS[0])

        cut, piece = SECRETS[0][:9].encode(), SECRETS[0][:3].encode()
        assert (True, False) == (
            redactor.contains_secret(b"before " + cut),
            redactor.contains_secret(b"before " + piece),
        )

    def test_many_secrets_are_masked_together(self, redactor: Redactor) -> None:
        """A secret that contains another one leaves nothing of itself."""
        secrets = [*SECRETS, f"{SECRETS[0]}-longer", f"longer-{SECRETS[0]}"]
        for secret in secrets:
            redactor.register(secret)

        redacted = redactor.redact(" ".join(secrets))

        assert not [word for word in ("canary", "longer", "horse") if word in redacted]

    def test_a_secret_is_masked_from_its_registration_on(self, redactor: Redactor) -> None:
        """It is masked from then on; registering it twice is no error."""
        before = redactor.redact("a canary-0123 in it")
        redactor.register("canary-0123")
        redactor.register("canary-0123")

        after = redactor.redact("a canary-0123 in it")

        assert ("a canary-0123 in it", False) == (before, "canary" in after)

    @pytest.mark.parametrize(
        "text", ["", "一只可爱的猫", "size must be one of 1024x1024, 1536x1024", "a\nb\0"]
    )
    def test_other_text_stays_as_it_is(self, redactor: Redactor, text: str) -> None:
        """Messages without secrets are unchanged."""
        redactor.register(SECRETS[0])

        assert text == redactor.redact(text)
        assert not redactor.contains_secret(text.encode())

    @pytest.mark.parametrize("secret", ["", "a", "abc"])
    def test_what_is_too_short_is_no_secret(self, redactor: Redactor, secret: str) -> None:
        """Otherwise every text would be masked."""
        redactor.register(secret)

        assert "abc a" == redactor.redact("abc a")

    @pytest.mark.parametrize(("limit", "length"), [(None, 1000), (1000, 1000), (999, 999), (1, 1), (0, 0)])
    def test_a_limit_cuts(self, redactor: Redactor, limit: int | None, length: int) -> None:
        """Without a limit, nothing is truncated."""
        assert "猫" * length == redactor.redact("猫" * 1000, limit=limit)

    def test_the_text_is_cut_after_it_was_redacted(self, redactor: Redactor) -> None:
        """A secret at the limit does not leave its first half."""
        redactor.register(SECRETS[0])

        redacted = redactor.redact("x" * 490 + SECRETS[0] + "y", limit=500)

        assert ("x" * 490, False) == (redacted[:490], "Zq" in redacted)

    def test_redacting_twice_changes_nothing(self, redactor: Redactor) -> None:
        """The mask is not masked again."""
        for secret in SECRETS:
            redactor.register(secret)
        once = redactor.redact(" and ".join(SECRETS))

        assert once == redactor.redact(once)
