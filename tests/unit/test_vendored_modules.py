"""The console's libraries are what was fetched, and import nothing but each other."""

import re

import pytest

from tests.markdown import ROOT
from tools import vendor_console

LIBRARIES = vendor_console.LIBRARIES
MODULES = sorted(LIBRARIES.glob("*.js"))
OWN = "index.js"
NAMESPACES = "http://www.w3.org/"
"""Names of XML's kinds of elements, which no browser opens."""


def test_the_files_are_those_that_were_fetched():
    """By their checksums, which stand beside them."""
    assert vendor_console.listed(LIBRARIES) == vendor_console.checksums(LIBRARIES)


def test_every_file_has_a_checksum():
    """Except the list itself, and the one module that is ours."""
    files = {file.name for file in LIBRARIES.iterdir()} - {vendor_console.CHECKSUMS, OWN}

    assert files == set(vendor_console.listed(LIBRARIES))


def test_each_library_comes_with_its_license():
    """In the version that is there."""
    text = (LIBRARIES / vendor_console.LICENSES).read_text("utf-8")

    assert [] == [p.name for p in vendor_console.PACKAGES if f"{p.name} {p.version}\n" not in text]
    assert (3, 1) == (text.count("MIT License"), text.count("Apache License\n"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_imports_files_beside_it(module):
    """A bare name would need an import map, which the console's policy refuses."""
    specifiers = re.findall(r"""\b(?:from|import)\s*\(?["']([^"']+)""", module.read_text("utf-8"))

    assert [] == [name for name in specifiers if not name.startswith("./") or not (LIBRARIES / name).exists()]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_a_module_names_no_other_host_and_evaluates_no_text(module):
    """The policy would refuse both."""
    text = module.read_text("utf-8")

    assert [] == [url for url in re.findall(r"https?://[^\s\"']*", text) if not url.startswith(NAMESPACES)]
    assert None is re.search(r"\beval\(|new Function|sourceMappingURL", text)


def test_a_changed_file_is_reported(tmp_path, capsys):
    """By name, with exit code 1."""
    for file in LIBRARIES.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert 0 == vendor_console.check(tmp_path)
    (tmp_path / "htm.js").write_text("export default 1")

    assert 1 == vendor_console.check(tmp_path)
    assert "htm.js is not what was vendored\n" == capsys.readouterr().err


def test_imports_become_relative():
    """From packages and their parts."""
    source = 'import{h as a}from"preact";import{b}from"preact/hooks";export{c}from"@preact/signals-core";1'

    assert (
        'import{h as a}from"./preact.js";import{b}from"./hooks.js";export{c}from"./signals-core.js";1\n'
    ) == vendor_console.module(f"{source}\n//# sourceMappingURL=x.mjs.map\n")


def test_the_packages_are_pinned():
    """By exact version and integrity; no registry is named."""
    text = (ROOT / "tools" / "vendor_console.py").read_text("utf-8")

    assert None is re.search(r"https?://", text)
    assert [] == [p.name for p in vendor_console.PACKAGES if not re.fullmatch(r"\d+\.\d+\.\d+", p.version)]
    assert [] == [p.name for p in vendor_console.PACKAGES if not p.integrity.startswith("sha512-")]
