"""The tree of errors is whole, since it is what a reader sees first."""

import inspect
import re

from imagegen_core import errors


def test_the_tree_names_every_error():
    """Once, below its root."""
    tree = errors.__doc__.partition("::\n")[2].partition("\nA `Refusal`")[0]
    classes = [
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    ]
    exceptions = [name for name in classes if issubclass(getattr(errors, name), Exception)]

    assert sorted(exceptions) == sorted(re.findall(r"(?:── |^    )(\w+)", tree, re.MULTILINE))
