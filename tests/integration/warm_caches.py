"""What the process that commands are forked from does once it has imported them, instead of each fork."""

import asyncio
import gc
import inspect
import sys
import tempfile
from pathlib import Path

import httpx
from litestar.handlers import HTTPRouteHandler
from litestar.utils.signature import ParsedSignature

import imagegen_core
from imagegen_adapters.outbound.transport import public_tls
from imagegen_adapters.stores.search import folding_version
from imagegen_adapters.system import release_dictionaries, simplify
from imagegen_http.app import build_app
from imagegen_http.service import compose
from imagegen_http.settings.loader import load_settings

_IMAGE = {"provider": "demo", "params": {"prompt": "warm"}}
_READ = ("/health/live", "/api/v1/images", "/api/v1/tasks", "/api/v1/providers")


async def _use(folder):
    """Do once what many commands do without a server, and return the application.

    What the libraries find out for the first time, such as the fields of a type, and what coverage notes of a
    line that runs for the first time, each fork then has.
    """
    settings = load_settings(config=None, environ={}, cwd=folder)
    async with compose(settings, environ={}) as service:
        app = build_app(service)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://localhost"
        ) as client:
            task = (
                (await client.post("/api/v1/tasks/generate", json=_IMAGE)).raise_for_status().json()["data"]
            )
            while task["status"] in ("pending", "running"):
                await asyncio.sleep(0.01)
                task = (await client.get(f"/api/v1/tasks/{task['task_id']}")).json()["data"]
            for path in _READ:
                (await client.get(path)).raise_for_status()
    return app


def _keep_signatures(app):
    """Let the next application have what Litestar read of the handlers: half of what building it takes."""
    read = {handler.fn: handler for route in app.routes for handler in getattr(route, "route_handlers", ())}
    for handler in gc.get_objects():
        if isinstance(handler, HTTPRouteHandler) and handler.fn in read:
            handler._parsed_fn_signature = read[handler.fn].parsed_fn_signature
            handler._signature_model = read[handler.fn].signature_model
    ParsedSignature.__deepcopy__ = lambda self, _: self  # nothing changes them


folding_version(simplify)
public_tls()
with tempfile.TemporaryDirectory() as _folder:
    _keep_signatures(asyncio.run(_use(Path(_folder))))
release_dictionaries()

# Coverage begins by asking where it is, for which `inspect` looks at all modules once. It ends by listing the
# files that were not run, unless it only has patterns; the processes that run the tests list them.
if "coverage" in sys.modules and (measurement := sys.modules["coverage"].Coverage.current()):
    inspect.stack()
    measurement.set_option("run:source", None)
    measurement.set_option("run:include", [f"{Path(imagegen_core.__file__).parents[1]}/**"])
gc.freeze()  # a fork that looked through all of this for garbage would copy it
