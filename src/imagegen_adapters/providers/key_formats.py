"""Checks of keys that have a format of their own, before anything is sent with them."""

from imagegen_adapters.providers.messages import InputCode
from imagegen_core.messages import Message
from imagegen_core.problems.refusals import RefusalCode
from imagegen_core.providers.config import ProviderConfig


def two_part_key_problem(config: ProviderConfig, form: str) -> Message | None:
    """Return what is wrong with a key that must be two parts around a colon; None if it is right or absent.

    ``form`` shows the format to the user, such as ``user:password``.
    """
    key = config.api_key
    if key is None or key.locked:
        return None
    return None if ":" in key.reveal() else InputCode.KEY_FORM(form=form)


def malformed_key(form: str) -> Message:
    """Return the same as a sentence of its own, for a key that has to be used."""
    return RefusalCode.PROBLEM(field="api_key", reason=InputCode.KEY_FORM(form=form))
