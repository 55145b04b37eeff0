"""Keys that have a form of their own, looked at before anything is sent with them."""

from imagegen_core.providers.config import ProviderConfig


def two_part_key_problem(config: ProviderConfig, form: str) -> str | None:
    """Return what is wrong with a key that must be two words around a colon; None when it is right or none.

    ``form`` shows it to whoever typed it, such as ``user:password``.
    """
    key = config.api_key
    if key is None or key.locked:
        return None
    return None if ":" in key.reveal() else f"must be {form}"
