"""``--lang`` and ``--color``: how a reader wants to be spoken to, before the command or after it.

They set variables for this process. So what is said before the arguments are parsed, about the arguments
themselves, is in the right language, too, and libraries that know ``NO_COLOR`` need not be told.
"""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence

import click

from imagegen_core.messages import Language
from imagegen_http.cli.language import LANGUAGE_VARIABLE

NO_COLOR, FORCE_COLOR = "NO_COLOR", "FORCE_COLOR"

_VARIABLES: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "--lang": {str(language): {LANGUAGE_VARIABLE: str(language)} for language in Language},
    "--color": {
        "auto": {NO_COLOR: "", FORCE_COLOR: ""},
        "always": {NO_COLOR: "", FORCE_COLOR: "1"},
        "never": {NO_COLOR: "1", FORCE_COLOR: ""},
    },
}
"""What each value of each option sets."""

READER_OPTIONS = tuple(_VARIABLES)


def reader_options(*, hidden: bool) -> list[click.Option]:
    """Return the options as click takes them; only the help of the program shows them."""
    return [
        click.Option(
            ["--lang"],
            type=click.Choice([*_VARIABLES["--lang"]]),
            envvar=None if hidden else LANGUAGE_VARIABLE,
            show_envvar=True,
            expose_value=False,
            is_eager=True,  # refused before a help is shown
            hidden=hidden,
            help="The language of all that is said, in any place; left out: Chinese in a zh locale "
            "(LC_ALL, LC_MESSAGES, LANG), else English.",
        ),
        click.Option(
            ["--color"],
            type=click.Choice([*_VARIABLES["--color"]]),
            expose_value=False,
            is_eager=True,  # refused before a help is shown
            hidden=hidden,
            help="Colours, in any place; left out: as NO_COLOR or FORCE_COLOR say, else on a terminal.",
        ),
    ]


def apply_reader_options(arguments: Sequence[str], environ: MutableMapping[str, str]) -> None:
    """Set the variables of the options among the arguments, of which the last one counts.

    A value that does not exist sets nothing; click refuses it.
    """
    for name, value in _pairs(arguments):
        environ.update(_VARIABLES[name].get(value, {}))


def colour_of(environ: Mapping[str, str]) -> bool | None:
    """Return whether to write colours; None: on a terminal."""
    if environ.get(NO_COLOR) or environ.get("TERM") == "dumb":
        return False
    return True if environ.get(FORCE_COLOR) else None


def _pairs(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the options and their values; after ``--`` there are none."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            return
        name, equals, value = argument.partition("=")
        if name in _VARIABLES:
            yield name, value if equals else next(rest, "")
