"""The OpenAPI document, and a page that shows it without resources from other hosts."""

from functools import cache
from typing import Annotated, Any, cast

from litestar import Request, get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp

from imagegen_core.messages import Language
from imagegen_http.api.parameters import ServiceDependency
from imagegen_http.asgi.static_content import StaticContent
from imagegen_http.asgi.static_folder import StaticFolder
from imagegen_http.asgi.types import Scope
from imagegen_http.documentation.newest import Newest
from imagegen_http.documentation.page import page
from imagegen_http.documentation.renderings import Renderings
from imagegen_http.guard.access import Access
from imagegen_http.guard.forwarding import parse_origin
from imagegen_http.guard.inbound_request import InboundRequest
from imagegen_http.problems.error_table import preferred_language
from imagegen_http.runtime.service import Service

LanguageQuery = Annotated[str | None, QueryParameter(name="lang")]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


@route("/openapi.json", http_method=_METHODS, include_in_schema=False)
async def openapi_json(
    request: Request[Any, Any, Any], service: ServiceDependency, lang: LanguageQuery = None
) -> ASGIApp:
    """Return the OpenAPI 3.1 document in the reader's language.

    Whoever may see tasks and images gets examples that name the newest ones.
    """
    language = _language(request, lang)
    newest = await Newest.read(service.imagegen) if _may_see_records(request, service) else Newest()
    renderings = request.app.state.setdefault("openapi_renderings", Renderings(request.app))
    content = await renderings.content(language, newest)
    headers = {"content-language": language.tag, "vary": "Accept-Language, Authorization, Cookie"}
    return cast("ASGIApp", content.response(headers=headers))


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs(request: Request[Any, Any, Any], lang: LanguageQuery = None) -> ASGIApp:
    """Show the document in the reader's language."""
    language = _language(request, lang)
    root = "../" if request.scope["raw_path"].endswith(b"/") else ""
    headers = {
        "content-language": language.tag,
        "content-security-policy": _POLICY,
        "vary": "Accept-Language",
    }
    return cast("ASGIApp", _page(language, root).response(headers=headers))


@route("/docs/{path:path}", http_method=_METHODS, include_in_schema=False)
async def docs_file(path: FromPath[str]) -> ASGIApp:
    """Return one of the page's files."""
    return cast("ASGIApp", (await _files().content(path.removeprefix("/"))).response())


HANDLERS = [openapi_json, docs, docs_file]


@cache
def _files() -> StaticFolder:
    return StaticFolder("swagger-ui")


@cache
def _page(language: Language, root: str) -> StaticContent:
    return StaticContent.compress(page(language, root=root).encode(), "text/html; charset=utf-8")


def _language(request: Request[Any, Any, Any], choice: str | None) -> Language:
    """Return the language that the query asks for, else the one that the reader prefers, else English."""
    preferred = preferred_language(request.headers.get("accept-language"), default=Language.EN)
    return preferred_language(choice, default=preferred)


def _may_see_records(request: Request[Any, Any, Any], service: Service) -> bool:
    """Return whether no token is set, or the caller has it although the document does not need it."""
    server = service.settings.server
    if server.auth_token is None:
        return True
    access = Access(
        token=server.auth_token,
        clock=service.imagegen.adapters.clock,
        public_origin=None if server.public_url is None else parse_origin(server.public_url),
    )
    return access.recognizes(InboundRequest.from_scope(cast("Scope", request.scope)))
