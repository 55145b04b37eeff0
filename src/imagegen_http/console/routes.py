"""The console: pages to generate and browse images, over the public API."""

from typing import Any, cast

from litestar import Request, route
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.types import ASGIApp

from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.asgi.accepted import accepts_page
from imagegen_http.asgi.static_content import FOREVER, REVALIDATE
from imagegen_http.console.page import console_files, console_page
from imagegen_http.runtime.service import Service

PAGES = (
    "/gallery",
    "/p/{image_id:int}",
    "/p/{image_id:int}/edit",
    "/collections",
    "/collections/{collection_id:int}",
    "/tasks",
    "/tasks/{task_id:str}",
    "/providers",
    "/providers/{provider_name:str}",
    "/usage",
    "/settings",
)
"""What the console's script shows beside ``/``: each of its states has an address."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


@route("/", http_method=_METHODS, include_in_schema=False)
async def console(service: ServiceDependency) -> ASGIApp:
    """Return the page."""
    return await _page(service)


@route(list(PAGES), http_method=_METHODS, include_in_schema=False)
async def console_state(service: ServiceDependency, request: Request[Any, Any, Any]) -> ASGIApp:
    """Return the page to browsers; anybody else has mistaken the address of the API.

    Raises:
        NotFoundException: the client does not say that it reads HTML.
    """
    if not accepts_page(request.headers.get("accept", "")):
        raise NotFoundException
    return await _page(service)


@route("/console/{path:path}", http_method=_METHODS, include_in_schema=False)
async def console_file(path: FromPath[str]) -> ASGIApp:
    """Return one of the page's files; one with the digest in its address is never asked for again."""
    files = console_files()
    digest, _, rest = path.removeprefix("/").partition("/")
    if digest == await files.digest():
        content, cache_control = await files.content(rest), FOREVER
    else:
        content, cache_control = await files.content(path.removeprefix("/")), REVALIDATE
    return cast("ASGIApp", content.response(cache_control=cache_control))


async def _page(service: Service) -> ASGIApp:
    content = await console_page(has_login=service.settings.server.auth_token is not None)
    headers = {"content-security-policy": _POLICY, "vary": "Accept"}
    return cast("ASGIApp", content.response(headers=headers))


HANDLERS = [console, console_state, console_file]
