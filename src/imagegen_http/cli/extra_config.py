"""The changes of ``providers set`` to ``extra_config``, which the API replaces as a whole; its secrets."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from imagegen_http.cli.context import CommandFailed, Context, WrongUsage
from imagegen_http.cli.messages import CommandCode, UsageCode
from imagegen_http.cli.secret_reference import read_secret

_DOCUMENT_KEYS = ("preset", "spec", "vars")
_WORKFLOW_KEYS = ("workflow", "inputs")


@attrs.frozen(kw_only=True)
class ExtraChanges:
    """New values of ``extra_config`` by key, and new items of its mappings; None removes an item.

    An item of ``inputs`` is a list, since a name may stand for several inputs of a workflow.
    """

    values: Mapping[str, Any]
    headers: Mapping[str, str | None] = attrs.field(factory=dict, repr=False)
    variables: Mapping[str, str | None] = attrs.field(factory=dict)
    inputs: Mapping[str, Sequence[str] | None] = attrs.field(factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values or any(self._mappings.values()))

    @property
    def _mappings(self) -> Mapping[str, Mapping[str, Any]]:
        """The changed items by the key of their mapping."""
        return {"headers": self.headers, "vars": self.variables, "inputs": self.inputs}

    def merged_into(self, shown: Mapping[str, Any], *, saved: bool) -> dict[str, Any]:
        """Return the complete ``extra_config`` to save, based on the one that the API shows, with its masks.

        If none is saved yet, only changed keys are saved; the others stay in ``config.yaml``.
        """
        touched = {*self.values, *(key for key, changes in self._mappings.items() if changes)}
        before = {key: value for key, value in shown.items() if saved or key in touched}
        if not {"preset", "spec"}.isdisjoint(self.values):  # another document has other variables
            before = {key: value for key, value in before.items() if key not in _DOCUMENT_KEYS}
        if "workflow" in self.values:  # another workflow has other inputs
            before = {key: value for key, value in before.items() if key not in _WORKFLOW_KEYS}
        after = {**before, **self.values}
        for key, changes in self._mappings.items():
            if changes:
                items = {**(before.get(key) or {}), **changes}
                after[key] = {name: text for name, text in items.items() if text is not None}
        return after


def read_proxy(text: str, context: Context) -> str | None:
    """Return the proxy's address, None for an empty one; with a user it has to be a secret's reference."""
    if text.startswith(("http://", "https://")) and "@" not in text:
        return text
    return read_secret(text, context, UsageCode.PROXY_WITH_USER()) if text else None


def read_header(pair: str, context: Context) -> tuple[str, str | None]:
    """Return name and value; the value of a secret header has to be a secret's reference."""
    from imagegen_core.config import is_secret_header

    name, value = read_pair(pair, "--header")
    if value is None:
        return name, None
    if is_secret_header(name) or value == "-" or value.startswith(("env:", "file:")):
        return name, read_secret(value, context, f"--header {name}")
    return name, value


def read_pair(pair: str, option: str) -> tuple[str, str | None]:
    """Return the two sides of ``NAME=VALUE``; a name alone takes it away."""
    name, equals, value = pair.partition("=")
    if not name:
        raise WrongUsage(UsageCode.NOT_A_PAIR(option=option, form="NAME=VALUE"))
    return name, value if equals else None


def read_inputs(pairs: Iterable[str]) -> dict[str, list[str] | None]:
    """Return the paths of each name of ``NAME=PATH``; a name alone takes it away."""
    inputs: dict[str, list[str] | None] = {}
    for pair in pairs:
        name, path = read_pair(pair, "--input")
        inputs[name] = None if path is None else [*(inputs.get(name) or []), path]
    return inputs


def read_workflow(path: Path) -> Any:
    """Return the workflow that a file holds; its text if it is not JSON, so that the server says so.

    Raises:
        SettingsError: it cannot be read.
    """
    from imagegen_http.settings.loader import read_file

    text = read_file(path)
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_spec(path: Path) -> Any:
    """Return the document that a file of YAML or JSON holds.

    Raises:
        SettingsError: it cannot be read.
        CommandFailed: it has a value that JSON does not have, such as a date.
    """
    from imagegen_http.settings.loader import read_yaml

    spec = read_yaml(path)
    try:
        json.dumps(spec, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CommandFailed(CommandCode.NOT_IN_JSON(name=str(path))) from error
    return spec
