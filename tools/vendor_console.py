"""Brings the console's libraries into the package, as ES modules that import each other by relative paths.

Run it as ``python tools/vendor_console.py``: npm packs each library in the version below, what came is
compared with its integrity, and its modules are written with their imports rewritten. A browser resolves
a bare name only through an import map, which the console's Content-Security-Policy refuses. To go to
another version, change it here together with its integrity (``npm view NAME@VERSION dist.integrity``).
``--check`` compares the files with their checksums and needs neither npm nor a network. Ends with 1 when
something differs.
"""

import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import attrs

LIBRARIES = Path(__file__).resolve().parents[1] / "src" / "imagegen_http" / "static" / "console" / "vendor"
CHECKSUMS, LICENSES = "SHA256", "LICENSES"

_SPECIFIER = re.compile(r'(\bfrom|\bimport) ?"([^"]+)"')
_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*\Z")


@attrs.frozen(kw_only=True)
class Package:
    """A library; ``modules`` are its files by the specifier that imports them."""

    name: str
    version: str
    integrity: str
    modules: Mapping[str, str]


PACKAGES = (
    Package(
        name="preact",
        version="11.2.0",
        integrity="sha512-/HfHI/7N84e6GrWBJ3J280z3mLaRJiDcSvj/A+y/4AbLnND/1UlGHe1sR6oYuTGwId0nP7dqDU9OnLxMPZ7xBg==",
        modules={"preact": "dist/preact.mjs", "preact/hooks": "hooks/dist/hooks.mjs"},
    ),
    Package(
        name="htm",
        version="3.1.1",
        integrity="sha512-983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        modules={"htm": "dist/htm.mjs"},
    ),
    Package(
        name="@preact/signals-core",
        version="1.14.5",
        integrity="sha512-vcRv7Ityz5JVmeiVqIluLFzT/PDS/AlhHUpw3/aUWqcVUs6bDGIPXE/6RSC4evBNWYvnniozg5Syfj33al3gkg==",
        modules={"@preact/signals-core": "dist/signals-core.mjs"},
    ),
    Package(
        name="@preact/signals",
        version="2.11.4",
        integrity="sha512-Rb+5RPo9gWSaHtzJeauhHxiC8KP/IF2DEPkHPEOGOnuy2wnJzRqyeLRankUCYd6ADqtxS6GnWGv6Ie343d8aYw==",
        modules={"@preact/signals": "dist/signals.mjs"},
    ),
)


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum that each of the listed files has now."""
    return {name: _digest(folder / name) for name in listed(folder)}


def listed(folder: Path) -> dict[str, str]:
    """Return the checksums as they are listed; ``sha256sum -c SHA256`` reads the list too."""
    lines = (folder / CHECKSUMS).read_text("utf-8").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def module(source: str) -> str:
    """Return a module with relative imports, and without the address of a source map that we do not ship."""
    text = _SOURCE_MAP.sub("", source).strip()
    return _SPECIFIER.sub(lambda match: f'{match[1]}"./{_file_name(match[2])}"', text) + "\n"


def check(folder: Path) -> int:
    """Print which files of a folder are not what was vendored; return the exit code."""
    now = checksums(folder)
    different = [name for name, digest in listed(folder).items() if now[name] != digest]
    sys.stderr.writelines(f"{name} is not what was vendored\n" for name in different)
    return 1 if different else 0


def main(arguments: list[str]) -> int:
    """Run as a command; return its exit code."""
    if arguments == ["--check"]:
        return check(LIBRARIES)
    if arguments:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    _vendor(LIBRARIES)
    return 0


def _vendor(folder: Path) -> None:
    names, licenses = [LICENSES], []
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as packed:
        for package in PACKAGES:
            with tarfile.open(_packed(package, Path(packed))) as archive:
                licenses.append(f"{package.name} {package.version}\n\n{_text(archive, 'LICENSE').strip()}\n")
                for specifier, path in package.modules.items():
                    names.append(_file_name(specifier))
                    (folder / names[-1]).write_text(module(_text(archive, path)), "utf-8")
    (folder / LICENSES).write_text(f"\n{'-' * 80}\n\n".join(licenses), "utf-8")
    lines = [f"{_digest(folder / name)}  {name}\n" for name in sorted(names)]
    (folder / CHECKSUMS).write_text("".join(lines), "utf-8")


def _packed(package: Package, folder: Path) -> Path:
    name = f"{package.name}@{package.version}"
    command = ["npm", "pack", "--json", "--pack-destination", str(folder), name]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    path = folder / answer[0]["filename"]
    digest = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if package.integrity != f"sha512-{digest}":
        sys.exit(f"{name}: expected {package.integrity}, got sha512-{digest}")
    return path


def _text(archive: tarfile.TarFile, path: str) -> str:
    member = archive.extractfile(f"package/{path}")
    assert member is not None
    return member.read().decode()


def _file_name(specifier: str) -> str:
    """Return the last part: it tells the modules apart."""
    return f"{specifier.rpartition('/')[2]}.js"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "missing"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
