"""Installs the clients as their users do, in pinned versions, apart from the project's own packages."""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import attrs

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
STREAMS = HERE / "streams"
PINS = (HERE / "requirements.txt", HERE / "package.json")
INSTALL_SECONDS = 600


@attrs.frozen
class Clients:
    """How to start each program, by name: those that ask for an image, and those that ask for a stream."""

    folder: Path
    commands: dict[str, list[str]]
    streams: dict[str, list[str]]

    @classmethod
    def installed(cls, folder: Path) -> "Clients":
        """Install what is missing below ``folder``; other versions are replaced by the pinned ones."""
        digest = hashlib.sha256(b"".join(pin.read_bytes() for pin in PINS)).hexdigest()
        stamp = folder / "installed"
        if not stamp.exists() or stamp.read_text() != digest:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            _install_python(folder / "python", PINS[0])
            install_node(PINS[1], folder)
            stamp.write_text(digest)
        return cls(folder, _commands(PROGRAMS, folder), _commands(STREAMS, folder))

    @property
    def python(self) -> str:
        """The Python that has the clients, and the tool that generates one."""
        return str(self.folder / "python" / "bin" / "python")

    @property
    def litellm(self) -> str:
        """The command that starts LiteLLM's proxy."""
        return str(self.folder / "python" / "bin" / "litellm")

    def tool(self, name: str) -> str:
        """Return the path of a command that one of the packages brings along."""
        python, node = (self.folder / place / name for place in ("python/bin", "node_modules/.bin"))
        return str(node if node.exists() else python)


def install_node(pins: Path, folder: Path) -> None:
    """Install what a package.json pins."""
    shutil.copy(pins, folder)
    _run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--prefix", str(folder)])


def _commands(programs: Path, folder: Path) -> dict[str, list[str]]:
    commands = {}
    for program in sorted(programs.iterdir()):
        if program.suffix == ".mjs":  # Node looks for packages above the program
            copy = folder / programs.name / program.name
            copy.parent.mkdir(exist_ok=True)
            commands[program.stem] = ["node", str(shutil.copy(program, copy))]
        elif program.suffix == ".py":
            commands[program.stem] = [str(folder / "python" / "bin" / "python"), str(program)]
    return commands


def _install_python(folder: Path, pins: Path) -> None:
    pips = [p for p in (sys._base_executable, sys.executable) if _has_pip(p)]
    venv.create(folder, with_pip=not pips)
    python = str(folder / "bin" / "python")
    pip = [pips[0], "-m", "pip", "--python", python] if pips else [python, "-m", "pip"]
    _run([*pip, "install", "-q", "--no-compile", "--disable-pip-version-check", "-r", str(pins)])


def _has_pip(python: str) -> bool:
    return (
        subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
    )


def _run(command: list[str]) -> None:
    environ = {**os.environ, "PIP_USER": "0"}
    process = subprocess.run(
        command, env=environ, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    assert process.returncode == 0, f"{' '.join(command)}\n{process.stdout}{process.stderr}"
