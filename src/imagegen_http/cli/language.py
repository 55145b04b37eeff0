"""The reader's language: what the locale says, whether or not this machine has that locale."""

from collections.abc import Mapping

from imagegen_core.messages import Language

LANGUAGE_VARIABLE = "IMAGEGEN_LANG"
"""Takes precedence over the locale; ``--lang`` sets it for one command."""

_NO_LOCALE = frozenset({"", "C", "POSIX"})


def language_of(environ: Mapping[str, str]) -> Language:
    """Return the language of `LANGUAGE_VARIABLE`, else the locale's; where that is not Chinese, English.

    As for all programs that use gettext, ``LANGUAGE`` precedes a locale that is not ``C``.
    """
    locale = next(filter(None, map(environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    preferred = "" if locale in _NO_LOCALE else environ.get("LANGUAGE", "")
    language = environ.get(LANGUAGE_VARIABLE) or preferred or locale
    return Language.ZH if language.lower().startswith("zh") else Language.EN
