"""Tokens, and the change of the key that seals them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagegen_adapters.secrets import FernetSecretBox, MemorySecretBox, WrongContext, new_key


@given(st.text(), st.text())
def test_what_was_sealed_opens_in_its_context(secret, context):
    """Any text comes back as it was."""
    box = MemorySecretBox()

    assert secret == box.open(box.seal(secret, context=context), context=context)


def test_a_token_that_was_moved_is_told_from_one_under_another_key():
    """Whoever moved it has not guessed a key."""
    box = FernetSecretBox([new_key()])
    token = box.seal("sk-1", context="openai|https://api.openai.com:443")

    with pytest.raises(WrongContext):
        box.open(token, context="openai|https://evil.example:443")


def test_the_first_key_seals_and_all_open():
    """A new key in front of the old one makes both usable."""
    old, new = new_key(), new_key()
    token = FernetSecretBox([old]).seal("sk-1", context="a")
    both = FernetSecretBox([new, old])

    assert ("sk-1", True) == (
        both.open(token, context="a"),
        FernetSecretBox([new]).opens(both.seal("x", context="a")),
    )


def test_the_first_key_derives_first_and_all_derive():
    """So what was signed before a rotation is known until the old key goes."""
    old, new = new_key(), new_key()
    (before,) = FernetSecretBox([old]).derive("links")

    (after,) = FernetSecretBox([new]).derive("links")
    assert (after, before) == FernetSecretBox([new, old]).derive("links")


def test_a_rotated_token_needs_the_new_key_only():
    """Its context goes along."""
    old, new = new_key(), new_key()
    token = FernetSecretBox([new, old]).rotate(FernetSecretBox([old]).seal("sk-1", context="a"))

    assert "sk-1" == FernetSecretBox([new]).open(token, context="a")


def test_rotating_twice_changes_nothing():
    """A token under the first key stays as it is."""
    box = FernetSecretBox([new_key()])
    token = box.seal("sk-1", context="a")

    assert token == box.rotate(token)
