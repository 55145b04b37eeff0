"""The tree of errors is whole, since it is what a reader sees first."""

import importlib
import inspect
import pkgutil
import re

from imagegen_core import errors

MODULES = [
    importlib.import_module(f"{errors.__name__}.{module.name}")
    for module in pkgutil.iter_modules(errors.__path__)
]
CLASSES = {
    name: kind
    for module in MODULES
    for name, kind in inspect.getmembers(module, inspect.isclass)
    if kind.__module__ == module.__name__
}


def test_every_error_is_imported_from_the_package():
    """Whatever module it is in."""
    assert sorted(CLASSES) == sorted(errors.__all__)


def test_the_tree_names_every_error():
    """Once, below its root."""
    tree = errors.__doc__.partition("::\n")[2].partition("\nA `Refusal`")[0]

    assert sorted(CLASSES) == sorted(re.findall(r"(?:── |^    )(\w+)", tree, re.MULTILINE))
