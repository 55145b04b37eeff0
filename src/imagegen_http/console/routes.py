"""The console: a page to generate and browse images, over the public API."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from imagegen_http.api.routes.dependencies import ServiceDependency
from imagegen_http.asgi.static_files import page, static_file

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_LOGOUT = 'action="/logout" hidden'


@get("/", include_in_schema=False, media_type="text/html", sync_to_thread=False)
def console(service: ServiceDependency) -> Response[str]:
    """Return the page; with a logout button if a login is required."""
    html = page("console", "index.html")
    if service.settings.server.auth_token is not None:
        html = html.replace(_LOGOUT, _LOGOUT.removesuffix(" hidden"))
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
    return Response(html, media_type="text/html", headers=headers)


@get("/console/{name:str}", include_in_schema=False, sync_to_thread=False)
def console_file(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return one of the page's files."""
    return static_file("console", name, request)


HANDLERS = [console, console_file]
