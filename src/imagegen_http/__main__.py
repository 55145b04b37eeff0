"""``imagegen``, also as ``python -m imagegen_http``: Ctrl-C works while it is still being loaded."""

import gc
import io
import os
import signal
import sys
import types
from typing import NoReturn

_NEW_OBJECTS = 50_000
"""After how many the garbage collector looks at the new ones; with Python's own 700, a tenth of the start."""


def main() -> None:
    """Run the command line.

    A `KeyboardInterrupt` in the middle of a library's import could be swallowed there, or surface as another
    error. So until everything is loaded, and nothing has been started, the signal ends the process itself.
    """
    gc.set_threshold(_NEW_OBJECTS)
    _replace_closed_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):  # what its encoding lacks is escaped, as JSON has it
        sys.stdout.reconfigure(errors="backslashreplace")
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where it is ignored
    if interruptible:
        signal.signal(signal.SIGINT, _stop)
    from imagegen_http.cli import main as run

    run(on_loaded=lambda: interruptible and signal.signal(signal.SIGINT, signal.default_int_handler))


def _replace_closed_streams() -> None:
    """Let a standard stream that was closed be empty, or discard what is written.

    Else the next file that is opened gets its number, be it the database, and what a library prints goes
    there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_RDWR)  # the lowest free one, which is that stream's
            os.set_inheritable(number, True)  # noqa: FBT003 - has no keyword
            setattr(sys, name, os.fdopen(number, mode))


def _stop(_number: int, _frame: types.FrameType | None) -> NoReturn:
    os.write(2, b"imagegen: stopped\n")
    os._exit(1)


if __name__ == "__main__":
    main()
