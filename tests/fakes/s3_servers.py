"""Servers of S3 that others wrote, each in a process of its own on loopback."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

KEY_ID, SECRET, BUCKET = "AKTESTKEYOFIMAGEGEN", "a secret of forty characters, or nearly", "images-of-tests"
_START_SECONDS = 30


@contextlib.contextmanager
def moto():
    """Yield the port of moto, which imitates Amazon's own in memory and checks no signature."""
    with _running(lambda port: [_script("moto_server"), "-H", "127.0.0.1", "-p", str(port)]) as port:
        urllib.request.urlopen(
            urllib.request.Request(f"http://127.0.0.1:{port}/{BUCKET}", method="PUT")
        ).close()
        yield port


@contextlib.contextmanager
def localbucket():
    """Yield the port of LocalBucket, which keeps files; its ETag of an object in parts is the whole's MD5."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / BUCKET).mkdir()
        with _running(lambda port: [_script("localbucket"), folder, "--port", str(port)]) as port:
            yield port


@contextlib.contextmanager
def nanio():
    """Yield the port of nanio, which keeps files and checks signatures, but ignores ``If-None-Match``."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / BUCKET).mkdir()
        keys = {"NANIO_ACCESS_KEY": KEY_ID, "NANIO_SECRET_KEY": SECRET}
        command = [_script("nanio"), "serve", "--data-dir", folder, "--host", "127.0.0.1"]
        with _running(lambda port: [*command, "--port", str(port)], **keys) as port:
            yield port


@contextlib.contextmanager
def _running(command, **environ):
    port = _free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command(port),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir(), **environ},
        )
        try:
            _wait_for(port, process, log)
            yield port
        finally:
            process.kill()
            process.wait()


def _wait_for(port, process, log):
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError as error:  # it answers, if only that it wants a signature
            error.close()
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    log.seek(0)
    raise AssertionError(log.read().decode("utf-8", "replace"))


def _script(name):
    return Path(sys.executable).parent / name


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
