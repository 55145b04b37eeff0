"""What is wrong with a key that nobody knows: most are a known one, misspelt."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from imagegen_core.messages import Message
from imagegen_core.problems.fields import Problem, ProblemCode
from imagegen_core.providers.config_checks import SERVICE_KEYS

_MIN_SIMILARITY = 0.7
"""Of two names, 0 to 1, from which one is taken for the other misspelt."""


def nearest(name: str, known_keys: Iterable[str], *, min_similarity: float = _MIN_SIMILARITY) -> str | None:
    """Return the known name that was probably meant, if there is one."""
    from difflib import get_close_matches  # not at the top: it takes 0.6 MB, and misspelt keys are rare

    close = get_close_matches(name.lower(), sorted(known_keys), n=1, cutoff=min_similarity)
    return close[0] if close else None


def unknown_key(name: str, known_keys: Iterable[str]) -> Message:
    """Return what to say of an unknown key, with the known one that was probably meant."""
    meant = nearest(name, known_keys)
    return ProblemCode.UNKNOWN_KEY() if meant is None else ProblemCode.MISSPELT_KEY(suggestion=meant)


def unknown_extra_keys(extra: Mapping[str, Any], known_keys: Collection[str]) -> tuple[Problem, ...]:
    """Return a problem for each key of ``extra_config`` that is neither known to a kind nor the service's."""
    known_keys = {*known_keys, *SERVICE_KEYS}
    return tuple(
        Problem(field=f"extra_config.{name}", reason=unknown_key(name, known_keys))
        for name in extra
        if name not in known_keys
    )
