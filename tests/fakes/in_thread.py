"""Runs an asynchronous fake on its own event loop, for tests that block while it responds."""

import asyncio
import threading
from contextlib import contextmanager


@contextmanager
def in_thread(fake):
    """Enter the asynchronous context manager in another thread's event loop, and yield its value."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        entered = asyncio.run_coroutine_threadsafe(fake.__aenter__(), loop).result(60)
        try:
            yield entered
        finally:
            asyncio.run_coroutine_threadsafe(fake.__aexit__(None, None, None), loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()
