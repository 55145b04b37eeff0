"""Checks of keys that have a format of their own, before anything is sent with them."""

from imagegen_core.providers.config import ProviderConfig


def two_part_key_problem(config: ProviderConfig, form: str) -> str | None:
    """Return what is wrong with a key that must be two parts around a colon; None if it is right or absent.

    ``form`` shows the format to the user, such as ``user:password``.
    """
    key = config.api_key
    if key is None or key.locked:
        return None
    return None if ":" in key.reveal() else f"must be {form}"
