"""The limit of whatever answers over HTTP: Litestar routes with constant answers on the service's own server.

They run in a process of their own, on the same event loop and with the same limits of connections, without
guard, log, database or provider. ``/held`` answers after ``/release``.
"""

import asyncio
import base64
import json
import socket
import subprocess
import sys

import attrs
import httpx
import reports  # noqa: F401 - makes the checkout importable
from litestar import Litestar, route

from imagegen_http.server import server
from imagegen_http.server.connections import AcceptingServer
from imagegen_http.settings.schema import ServerSettings


@attrs.frozen
class Answer:
    """What a route answers: one that was recorded, or one that is made up."""

    status: int
    media_type: str
    content: bytes

    @classmethod
    def recorded(cls, response):
        return cls(response.status_code, response.headers["content-type"], response.content)


@attrs.define
class BareRoutes:
    """The process; the routes are ``/0``, ``/1`` and so on."""

    answers: list
    url: str = ""
    process: subprocess.Popen = None

    def __enter__(self):
        command = [sys.executable, __file__]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        values = [
            [answer.status, answer.media_type, base64.b64encode(answer.content).decode()]
            for answer in self.answers
        ]
        self.process.stdin.write(f"{json.dumps(values)}\n")
        self.process.stdin.flush()
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        """Return how many callers are held."""
        return self._get("/waiting")

    def release(self):
        self._get("/release")

    def _get(self, path):
        return httpx.get(f"{self.url}{path}", trust_env=False, timeout=60).raise_for_status().json()


def constant(number, answer):
    """Return the route of an answer."""

    @route(f"/{number}", http_method=["GET", "POST"], status_code=answer.status, media_type=answer.media_type)
    async def respond() -> bytes:
        return answer.content

    return respond


def waiting_routes(answer):
    """Return a route that answers after ``/release``, and one that says how many wait for it."""
    released = asyncio.Event()
    waiting = set()

    @route("/held", http_method=["GET", "POST"], status_code=answer.status, media_type=answer.media_type)
    async def wait() -> bytes:
        waiting.add(asyncio.current_task())
        await released.wait()
        return answer.content

    @route("/waiting", http_method=["GET"])
    async def count() -> int:
        return len(waiting)

    @route("/release", http_method=["GET"])
    async def release() -> int:
        released.set()
        return len(waiting)

    return [wait, count, release]


async def main():
    answers = [
        Answer(status, media_type, base64.b64decode(content))
        for status, media_type, content in json.loads(sys.stdin.readline())
    ]
    routes = [constant(number, answer) for number, answer in enumerate(answers)]
    app = Litestar(
        route_handlers=[*routes, *waiting_routes(answers[0])], openapi_config=None, logging_config=None
    )
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        started = lambda: print(listener.getsockname()[1], flush=True)  # noqa: E731 - read in one place
        await AcceptingServer(
            server._config(app, ServerSettings()), started=started, signalled=lambda: None
        ).serve([listener])


def run():
    """Serve on the loop that the service runs on."""
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


if __name__ == "__main__":
    run()
