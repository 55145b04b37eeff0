"""What the pages about providers say is so."""

import inspect
import re
import runpy
from pathlib import Path
from typing import get_args

import attrs
import pytest
import yaml

from imagegen_adapters.providers.document import operations, schema
from imagegen_adapters.providers.document.credentials import AuthType
from imagegen_adapters.providers.document.operations import BodyType, ErrorClass
from imagegen_adapters.providers.document.reading import parse_document
from imagegen_adapters.providers.document.schema import SizeKind
from imagegen_adapters.providers.document.templates import DIRECTIVES, ROOTS
from imagegen_core.facts import Group

DOCS = Path(__file__).parents[2] / "docs"
CLASSES = [
    c for m in (operations, schema) for _, c in inspect.getmembers(m, attrs.has) if c.__module__ == m.__name__
]


@pytest.fixture(scope="module")
def reference():
    return (DOCS / "reference" / "provider-documents.md").read_text("utf-8")


def words(page: str) -> set[str]:
    """Return all names that the page sets in code."""
    return set(re.findall(r"[A-Za-z$_][\w$-]*", " ".join(re.findall(r"`([^`]*)`", page))))


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_field_is_documented(kind, reference):
    """Whatever may stand in a document is on the page."""
    assert set() == {field.name.removesuffix("_") for field in attrs.fields(kind)} - words(reference)


def test_every_word_is_documented(reference):
    """So is every choice, every placeholder and every directive."""
    choices = {*get_args(AuthType), *get_args(BodyType), *get_args(ErrorClass), *get_args(SizeKind), *Group}
    names = {*ROOTS, *DIRECTIVES}

    assert set() == (choices | names) - words(reference)


def test_the_examples_of_the_guide_are_documents():
    """Each YAML example is a document, or a part of the one that the page makes."""
    page = (DOCS / "how-to" / "add-a-provider.md").read_text("utf-8")
    examples = [
        yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "…" not in text
    ]
    whole = next(example for example in examples if "schema" in example)

    names = [parse_document({**whole, **example}, "example").id for example in examples]
    assert ["inkwell"] * 4 + ["azure-openai"] == names


def test_the_table_of_providers_is_up_to_date():
    """The page is what the script writes; run ``python docs/generate_providers.py`` after a change."""
    page = runpy.run_path(str(DOCS / "generate_providers.py"))["page"]

    assert page() == (DOCS / "reference" / "providers.md").read_text("utf-8")
