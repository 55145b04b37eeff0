"""The modules of the console fit together: what one imports from another is there."""

import posixpath
import re

from tests.markdown import ROOT

CONSOLE = ROOT / "src" / "imagegen_http" / "static" / "console"
_IMPORT = re.compile(r"""\bimport\s*\{([^}]*)\}\s*from\s*["'](\.{1,2}/[^"']+)["']""")
_LATER = re.compile(r"""\bimport\(\s*["'](\.{1,2}/[^"']+)["']\)""")
_EXPORT = re.compile(r"\bexport\s+(?:async\s+)?(?:const|let|class|function\*?)\s+(\w+)")
_LISTED = re.compile(r"\bexport\s*\{([^}]*)\}")


def _sources():
    own = (path for path in CONSOLE.rglob("*.js") if "vendor" not in path.parts)
    sources = {path.relative_to(CONSOLE).as_posix(): path.read_text("utf-8") for path in own}
    return {**sources, "vendor/index.js": (CONSOLE / "vendor" / "index.js").read_text("utf-8")}


def _names(listed):
    return {re.split(r"\s+as\s+", name.strip())[0] for name in listed.split(",") if name.strip()}


def _exported(source):
    return set(_EXPORT.findall(source)) | {
        re.split(r"\s+as\s+", name.strip())[-1]
        for listed in _LISTED.findall(source)
        for name in listed.split(",")
    }


def _target(path, specifier):
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))


def test_each_name_that_a_module_imports_is_exported():
    """A browser shows nothing of a page with one that is not."""
    sources = _sources()
    missing = [
        f"{path}: {name} of {specifier}"
        for path, source in sources.items()
        if path != "vendor/index.js"
        for listed, specifier in _IMPORT.findall(source)
        for name in _names(listed) - _exported(sources.get(_target(path, specifier), ""))
    ]

    assert [] == missing


def test_each_module_that_is_imported_later_exists():
    """Such as a page that is fetched when it is shown."""
    sources = _sources()

    assert [] == [
        f"{path}: {specifier}"
        for path, source in sources.items()
        for specifier in _LATER.findall(source)
        if _target(path, specifier) not in sources
    ]
