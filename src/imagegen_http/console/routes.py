"""The console: pages to generate and browse images, over the public API."""

from collections.abc import Mapping
from typing import Any, cast

from litestar import Request, route
from litestar.enums import HttpMethod
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp

from imagegen_http.api.parameters import ServiceDependency
from imagegen_http.asgi import request_context
from imagegen_http.asgi.accepted import accepts_page
from imagegen_http.asgi.static_content import FOREVER, REVALIDATE
from imagegen_http.console.page import console_files, console_page
from imagegen_http.guard.plain_page import language_tag

PAGES: Mapping[str, tuple[str, ...]] = {
    "create": ("/",),
    "gallery": ("/gallery",),
    "picture": ("/p/{image_id:int}",),
    "editor": ("/p/{image_id:int}/edit",),
    "tasks": ("/tasks", "/tasks/{task_id:str}"),
    "providers": ("/providers", "/providers/{provider_name:str}"),
    "usage": ("/usage",),
    "settings": ("/settings",),
}
"""The addresses of the console by its modules in ``pages/``, as in the ``ROUTES`` of its router.js."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


def _route(name: str, paths: tuple[str, ...]) -> HTTPRouteHandler:
    @route(list(paths), http_method=_METHODS, include_in_schema=False)
    async def console(service: ServiceDependency, request: Request[Any, Any, Any]) -> ASGIApp:
        """Return the page to browsers; anybody else has mistaken an address for one of the API.

        Raises:
            NotFoundException: the client does not say that it reads HTML.
        """
        if paths != ("/",) and not accepts_page(request.headers.get("accept", "")):
            raise NotFoundException
        language, has_login = request_context.language.get(), service.settings.server.auth_token is not None
        content = await console_page(name, language, has_login=has_login)
        headers = {
            "content-language": language_tag(language),
            "content-security-policy": _POLICY,
            "vary": "Accept, Accept-Language",
        }
        return cast("ASGIApp", content.response(headers=headers))

    return console


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


HANDLERS = [*(_route(name, paths) for name, paths in PAGES.items()), console_file]
