"""Secrets that stay sealed until they are used."""

from functools import partial

import attrs
import pytest

from imagegen_adapters.secrets import MemorySecretBox
from imagegen_core.errors import KeysLocked
from imagegen_core.secrets import Secret, open_fields, seal_fields

KEY = "sk-canary-0123456789"


@pytest.fixture
def box():
    return MemorySecretBox()


def sealed(box, text=KEY):
    return Secret.sealed(partial(box.open, box.seal(text, context="c"), context="c"))


def test_a_sealed_secret_is_its_text_to_whoever_uses_it(box):
    """It is revealed, masked, checked and compared as one that was made of its text."""
    secret, texts = sealed(box), []
    secret.give_to(texts.append)
    secret.check()

    assert ([KEY], KEY, "sk-****6789") == (texts, secret.reveal(), secret.masked)
    assert (Secret(KEY), hash(Secret(KEY))) == (secret, hash(secret))
    assert secret not in (sealed(box, "sk-another"), Secret(KEY, locked=True), KEY)


def test_a_sealed_secret_does_not_hold_its_text(box):
    """Whoever passes it on has a token and the box that opens it."""
    assert KEY not in str(attrs.asdict(sealed(box)))


def test_a_secret_that_does_not_open_is_locked(box):
    """It exists, and neither it nor its mask shows anything."""
    secret = Secret.sealed(partial(MemorySecretBox().open, box.seal(KEY, context="c"), context="c"))

    assert (True, "****") == (secret.locked, secret.masked)
    with pytest.raises(KeysLocked):
        secret.give_to(str)


@pytest.mark.parametrize("text", [None, "****", " sk-****6789 ", "****6789"])
def test_a_masked_text_is_no_new_secret(text):
    """A client that sends back what it was shown changes nothing."""
    assert Secret.parse_unmasked(text) is None


def test_fields_are_sealed_with_the_key_in_them(box):
    """The key comes back as a secret that stays sealed."""
    token = seal_fields({"api_key": Secret(KEY), "retries": 3}, partial(box.seal, context="c"))

    fields = open_fields(partial(box.open, token, context="c"))

    assert {"api_key": Secret(KEY), "retries": 3} == fields
    assert KEY not in str(attrs.asdict(fields["api_key"]))
