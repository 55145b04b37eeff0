"""Which files of src a value passes through while a program runs."""

import base64
import contextlib
import functools
import inspect
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import FunctionType

import attrs
import httpcore2
import httpx
import msgspec

SRC = Path(__file__).parents[1] / "src"
_MAX_DEPTH = 3
_ASGI_NAMES = frozenset({"scope", "receive", "_receive"})
"""Every ASGI application has these, from which the body can be had; who does so is on the way."""


def base64_forms(value: bytes) -> tuple[bytes, ...]:
    """Return what base64 of any text with the value in it contains, at each of the three alignments."""
    return tuple(base64.b64encode(bytes(skipped) + value)[4:-4] for skipped in range(3))


class ValueTrace:
    """Records, while it is entered, which functions of src have a value in a variable or return it.

    Also recorded are the modules of the classes whose instances carry it. Threads are traced that begin
    within `tracing_threads`.

    Args:
        forms: the texts by which the value is known.
        until: the qualified name of the function whose call ends the recording.
    """

    def __init__(self, *forms: bytes, until: str = "") -> None:
        self._bytes = forms
        self._texts = tuple(form.decode() for form in forms)
        self._until = until
        self._on = False
        self._carriers: set[type] = set()
        self.functions: dict[str, set[str]] = {}

    @property
    def files(self) -> set[str]:
        """The paths of the files, beginning with ``src/``."""
        modules = {inspect.getmodule(kind) for kind in self._carriers}
        carriers = {path for m in modules if m is not None and (path := _path_in_src(str(m.__file__)))}
        return carriers | set(self.functions)

    @contextlib.contextmanager
    def tracing_threads(self):
        """Let threads that are started in this block be traced while the trace is entered."""
        threading.setprofile(self._look)
        try:
            yield self
        finally:
            threading.setprofile(None)

    def __enter__(self):
        self._on = True
        sys.setprofile(self._look)
        return self

    def __exit__(self, *_):
        sys.setprofile(None)
        self._on = False

    def _look(self, frame, event, argument):
        if not self._on or event not in ("call", "return"):
            return
        if frame.f_code.co_qualname == self._until:
            self._on = False
            return
        path = _path_in_src(frame.f_code.co_filename)
        if path is None:
            return
        values = [*_variables(frame.f_locals), *([argument] if event == "return" else [])]
        if self._any_holds(values, _MAX_DEPTH):
            self.functions.setdefault(path, set()).add(frame.f_code.co_qualname)

    def _any_holds(self, values, depth):
        """Look at all of them, since each may be a carrier."""
        return sum(self._holds(value, depth) for value in values) > 0

    def _holds(self, value, depth):
        match value:
            case str():
                return any(form in value for form in self._texts)
            case bytes() | bytearray():
                return any(form in value for form in self._bytes)
        if depth == 0:
            return False
        return self._in_parts(value, depth - 1)

    def _in_parts(self, value, depth):
        ours = type(value).__module__.startswith("imagegen_")
        match value:
            case Mapping():
                parts = value.values()
            case list() | tuple():
                parts = value
            case httpx.Request():
                parts = [list(value.headers.raw)]
            case httpcore2.Request():
                parts = [value.headers]
            case FunctionType():
                parts = _variables(_enclosed(value))
            case msgspec.Struct():
                parts = [getattr(value, name) for name in value.__struct_fields__]
            case _ if attrs.has(type(value)):
                parts = [getattr(value, field.name, None) for field in attrs.fields(type(value))]
            case _:
                parts = _variables(vars(value)) if ours and hasattr(value, "__dict__") else ()
        holds = self._any_holds(parts, depth)
        if holds and ours:
            self._carriers.add(type(value))
        return holds


def _variables(variables):
    return [value for name, value in variables.items() if name not in _ASGI_NAMES]


def _enclosed(function):
    """Return the variables of a closure; one that is not set yet is left out."""
    variables = {}
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):
            variables[name] = cell.cell_contents
    return variables


@functools.cache
def _path_in_src(file):
    path = Path(file)
    return str(path.relative_to(SRC.parent)) if path.is_relative_to(SRC) else None
