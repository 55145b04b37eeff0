"""Tells people, whose browser asks for a page that there is none of; programs get the error as JSON."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException

from imagegen_core.messages import Language
from imagegen_http.asgi import request_context
from imagegen_http.asgi.accepted import accepts_page
from imagegen_http.asgi.types import Scope
from imagegen_http.guard import plain_page
from imagegen_http.guard.inbound_request import InboundRequest

_TITLES = {Language.ZH: "没有这个页面", Language.EN: "There is no such page"}
_BODIES = {
    Language.ZH: '<p>地址可能有误，或者页面已不存在。</p>\n<p><a class="button" href="/">返回首页</a></p>',
    Language.EN: "<p>The address may be mistyped, or the page is gone.</p>\n"
    '<p><a class="button" href="/">To the start page</a></p>',
}

Handler = Callable[[Request[Any, Any, Any], Any], Response[Any]]


def with_missing_page(handlers: Mapping[Any, Handler]) -> dict[Any, Handler]:
    """Return exception handlers that answer a browser's navigation to no page of ours with a page.

    What is below ``/api`` and ``/v1`` stays JSON for everybody: the address is the API's.
    """
    as_json = handlers[HTTPException]

    def handle(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        head = InboundRequest.from_scope(cast("Scope", request.scope))
        if head.is_api or not accepts_page(head.header(b"accept")):
            return as_json(request, error)
        return _page(request_context.language.get())

    return {**handlers, NotFoundException: handle}


def _page(language: Language) -> Response[bytes]:
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": plain_page.language_tag(language),
        "Content-Security-Policy": plain_page.CSP,
        "Vary": "Accept, Accept-Language",
    }
    html = plain_page.render(language, title=_TITLES[language], body=_BODIES[language])
    return Response(html, status_code=404, headers=headers, media_type="text/html")
