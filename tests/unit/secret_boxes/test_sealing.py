import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_adapters.secret_boxes.memory import MemorySecretBox
from imagegen_adapters.secret_boxes.sealing import Sealing, WrongContext, new_key
from imagegen_core.errors import Unavailable


@given(st.text(), st.text())
def test_what_was_sealed_opens_in_its_context(secret, context):
    """Any text comes back as it was."""
    box = MemorySecretBox()

    assert secret == box.open(box.seal(secret, context=context), context=context)


def test_a_token_shows_neither_secret_nor_context():
    """Both are encrypted, and the token is printable ASCII."""
    token = MemorySecretBox().seal("sk-canary", context="openai|https://api.example.com:443")

    assert [False, False, True] == [
        "canary" in token,
        "example" in token,
        token.isascii() and token.isprintable(),
    ]


def test_a_token_that_was_moved_to_another_row_does_not_open():
    """A key belongs to its provider and origin, also for somebody who can write to the database."""
    box = MemorySecretBox()
    token = box.seal("sk-1", context="openai|https://api.openai.com:443")

    with pytest.raises(WrongContext):
        box.open(token, context="openai|https://evil.example:443")


def test_a_damaged_token_does_not_open():
    """One changed character is noticed."""
    box = MemorySecretBox()
    token = box.seal("sk-1", context="a")
    damaged = token[:30] + ("A" if token[30] != "A" else "B") + token[31:]

    with pytest.raises(Unavailable):
        box.open(damaged, context="a")


@pytest.mark.parametrize("token", ["", "x", "ключ", "gAAAAA" * 30])
def test_something_else_does_not_open(token):
    """What is no token is refused like a wrong key."""
    with pytest.raises(Unavailable):
        MemorySecretBox().open(token, context="a")


def test_the_first_key_seals_and_all_open():
    """A new key in front of the old one makes both usable."""
    old, new = new_key(), new_key()
    token = Sealing([old]).seal("sk-1", context="a")
    both = Sealing([new, old])

    assert ("sk-1", True) == (
        both.open(token, context="a"),
        Sealing([new]).opens(both.seal("x", context="a")),
    )


def test_a_rotated_token_needs_the_new_key_only():
    """Its context goes along."""
    old, new = new_key(), new_key()
    token = Sealing([new, old]).rotate(Sealing([old]).seal("sk-1", context="a"))

    assert "sk-1" == Sealing([new]).open(token, context="a")


def test_rotating_twice_changes_nothing():
    """A token under the first key stays as it is."""
    sealing = Sealing([new_key()])
    token = sealing.seal("sk-1", context="a")

    assert token == sealing.rotate(token)


def test_a_locked_box_does_nothing():
    """Neither sealing nor opening."""
    box = MemorySecretBox(locked=True)
    for act in (box.seal, box.open):
        with pytest.raises(Unavailable):
            act("x", context="a")

    assert box.locked
