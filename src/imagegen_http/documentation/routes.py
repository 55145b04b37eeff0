"""The OpenAPI document, and a page that shows it without resources from other hosts."""

from typing import Any

from litestar import Request, Response, get
from litestar.params import FromPath

from imagegen_http.asgi.static_files import static_file
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


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Return the OpenAPI 3.1 document."""
    return Response(openapi_document(request.app), headers={"Cache-Control": "no-cache"})


@get("/docs", include_in_schema=False, media_type="text/html", sync_to_thread=False)
def docs() -> Response[str]:
    """Show the document."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@get("/docs/{name:str}", include_in_schema=False, sync_to_thread=False)
def docs_file(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return one of the page's files."""
    return static_file("swagger-ui", name, request)


HANDLERS = [openapi_json, docs, docs_file]
