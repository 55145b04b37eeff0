"""Parameters of a model as options of a command."""

from typing import Any

import click

from imagegen_http.cli.context import WrongUsage
from imagegen_http.cli.messages import UsageCode

param_option = click.option(
    "--param", "params", multiple=True, metavar="K=V", help="A parameter of the model; repeatable."
)


def parse_params(pairs: tuple[str, ...], *, empty: str | None = "") -> dict[str, Any]:
    """Return the parameters, each a number, a boolean or a text; ``empty`` is what no text means.

    Raises:
        WrongUsage: one is no pair.
    """
    if not pairs:
        return {}
    import yaml

    params = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise WrongUsage(UsageCode.NOT_A_PAIR(option=f"--param {pair}:", form="K=V"))
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        as_written = isinstance(value, (dict, list)) or value is None
        params[name] = (text or empty) if as_written else value
    return params
