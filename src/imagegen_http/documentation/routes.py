"""The OpenAPI document, and a page that shows it without resources from other hosts."""

import asyncio
from functools import cache
from typing import Any, cast

import msgspec
from litestar import Litestar, Request, Response, get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.types import ASGIApp

from imagegen_http.asgi.static_content import StaticContent
from imagegen_http.asgi.static_folder import StaticFolder
from imagegen_http.documentation.document import openapi_document

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>imagegen API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/docs/favicon-32x32.png"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><noscript>See <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_METHODS = [HttpMethod.GET, HttpMethod.HEAD]


@route("/openapi.json", http_method=_METHODS, include_in_schema=False)
async def openapi_json(request: Request[Any, Any, Any]) -> ASGIApp:
    """Return the OpenAPI 3.1 document."""
    return cast("ASGIApp", (await _openapi_json(request.app)).response())


@get("/docs", include_in_schema=False, media_type="text/html", sync_to_thread=False)
def docs() -> Response[str]:
    """Show the document."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@route("/docs/{path:path}", http_method=_METHODS, include_in_schema=False)
async def docs_file(path: FromPath[str]) -> ASGIApp:
    """Return one of the page's files."""
    return cast("ASGIApp", (await _files().content(path.removeprefix("/"))).response())


HANDLERS = [openapi_json, docs, docs_file]


@cache
def _files() -> StaticFolder:
    return StaticFolder("swagger-ui")


async def _openapi_json(app: Litestar) -> StaticContent:
    """Return the document as JSON; encoded and compressed once for each application."""
    if "openapi_json" not in app.state:
        body = msgspec.json.encode(openapi_document(app))
        app.state["openapi_json"] = await asyncio.to_thread(StaticContent.compress, body, "application/json")
    content: StaticContent = app.state["openapi_json"]
    return content
