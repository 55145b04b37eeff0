"""The Chinese of the help, and of what click says; the English stands beside each command and option.

A text is looked up by its English, paragraph by paragraph, so that whoever changes one has to look at the
other.
"""

import inspect
from collections.abc import Iterator, Mapping

from imagegen_http.cli.translations.commands import COMMANDS
from imagegen_http.cli.translations.options import OPTIONS

HELP: Mapping[str, str] = {**COMMANDS, **OPTIONS}
"""The Chinese of each paragraph."""


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text as `HELP` has them, each in one line."""
    return (" ".join(paragraph.split()) for paragraph in inspect.cleandoc(text).split("\n\n"))


def in_chinese(text: str) -> str:
    """Return a help text in Chinese; what has no Chinese stays as it is."""
    return "\n\n".join(HELP.get(paragraph, paragraph) for paragraph in paragraphs(text))
