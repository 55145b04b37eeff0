"""The OpenAPI document, and a page that shows it without a file from any other host."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from imagegen_http.openapi_document import openapi_document

_TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png"}
_FILES = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png", "start.js")

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


@get("/", include_in_schema=False, sync_to_thread=False)
def index() -> Redirect:
    """Lead a person who opens the address to the page that tells what is here."""
    return Redirect("/docs")


@get("/docs", include_in_schema=False, media_type="text/html", sync_to_thread=False)
def docs() -> Response[str]:
    """Show the document."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})


@get("/docs/{name:str}", include_in_schema=False, sync_to_thread=False)
def docs_file(name: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Return one of the page's own files."""
    if name not in _FILES:
        raise NotFoundException
    content, etag = _file(name)
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    media_type = _TYPES[name.rpartition(".")[2]]
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers, media_type=media_type)
    return Response(content, headers=headers, media_type=media_type)


HANDLERS = [openapi_json, index, docs, docs_file]


@cache
def _file(name: str) -> tuple[bytes, str]:
    content = (files("imagegen_http") / "static" / "swagger-ui" / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'
