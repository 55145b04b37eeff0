"""The console: one page, which its script turns into all others, over the public API."""

import asyncio
import posixpath
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from typing import Any, cast

from litestar import Request, Response, route
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath
from litestar.types import ASGIApp

from imagegen_core.messages import Language
from imagegen_http.api.errors import READ, Handler
from imagegen_http.api.requests import ServiceDependency
from imagegen_http.guard import asgi, pages
from imagegen_http.guard.asgi import InboundRequest, Scope, accepts_page
from imagegen_http.guard.static import StaticContent, StaticFolder

_STATIC_IMPORT = re.compile(r"""\b(?:from|import)\s*["'](\.{1,2}/[^"'\s]+)["']""")
_ENTRY = re.compile(r"""<script\b[^>]*\btype=["']?module\b[^>]*\bsrc=["']/console/([^"']+)["']""")


def entries(html: str) -> tuple[str, ...]:
    """Return a page's entry modules, as paths below ``/console/``."""
    return tuple(_ENTRY.findall(html))


def needed(starts: Iterable[str], sources: Mapping[str, str]) -> tuple[str, ...]:
    """Return modules and all their static imports, nearest first; paths beyond ``sources`` are left out."""
    order = [path for path in starts if path in sources]
    for path in order:
        for specifier in _STATIC_IMPORT.findall(sources[path]):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))
            if target in sources and target not in order:
                order.append(target)
    return tuple(order)


PRELOADS = "<!-- modulepreload -->"
"""Where the page gets its preloads; without them a browser finds one module after the other."""

_LANG = 'lang="zh-CN"'
_LOGOUT = 'action="/logout" hidden'


@cache
def console_files() -> StaticFolder:
    return StaticFolder("console", comments=False)


_INLINE = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@cache
def _page(name: str, digest: str, lang: str, *, has_login: bool) -> tuple[StaticContent, str]:
    """Return the page of ``pages/<name>.js`` in the reader's language, with a logout if there is a login.

    Its policy allows the script and the style that are in the page, by their digests.
    """
    files = console_files()
    html = files.text("index.html").replace(_LANG, f'lang="{lang}"')
    if has_login:
        html = html.replace(_LOGOUT, _LOGOUT.removesuffix(" hidden"))
    modules = {path: files.text(path) for path in files.paths if path.endswith(".js")}
    later = (path for path in (f"pages/{name}.js", f"css/{name}.css") if path in files.paths)
    html = complete(html, modules, digest, later=later)
    hashes = {
        kind: b64encode(sha256(text.encode()).digest()).decode() for kind, text in _INLINE.findall(html)
    }
    policy = _POLICY.format(**{kind: f"'sha256-{digest}'" for kind, digest in hashes.items()})
    return StaticContent.compress(html.encode(), "text/html; charset=utf-8"), policy


def complete(html: str, modules: Mapping[str, str], digest: str, *, later: Iterable[str] = ()) -> str:
    """Preload all modules at once, those loaded ``later`` too, and put a digest into their addresses.

    So browsers keep them for good, and no page mixes modules of two versions.
    """
    later, starts = tuple(later), entries(html)
    announced = [path for path in needed((*starts, *later), modules) if path not in starts]
    links = [
        *(f'<link rel="preload" as="style" href="/console/{path}">' for path in later if path not in modules),
        *(f'<link rel="modulepreload" href="/console/{path}">' for path in announced),
    ]
    return html.replace(PRELOADS, "\n".join(links)).replace('"/console/', f'"/console/{digest}/')


_TITLES = {Language.ZH: "没有这个页面", Language.EN: "There is no such page"}
_BODIES = {
    Language.ZH: '<p>地址可能有误，或者页面已不存在。</p>\n<p><a class="button" href="/">返回首页</a></p>',
    Language.EN: "<p>The address may be mistyped, or the page is gone.</p>\n"
    '<p><a class="button" href="/">To the start page</a></p>',
}


def with_missing_page(answer: Handler) -> Callable[[Request[Any, Any, Any], Any], Response[Any]]:
    """Answer a navigation to an unknown address with a page; ``/api``, ``/v1`` and ``/mcp`` stay JSON."""

    def handle(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        head = InboundRequest.from_scope(cast("Scope", request.scope))
        is_page = isinstance(error, NotFoundException) and accepts_page(head.header(b"accept"))
        if head.is_api or not is_page:
            return answer(request, error)
        language = asgi.language.get()
        html = pages.plain_page(language, title=_TITLES[language], body=_BODIES[language])
        headers = {
            "Cache-Control": "no-store",
            "Content-Language": language.tag,
            "Content-Security-Policy": pages.CSP,
            "Vary": "Accept, Accept-Language",
        }
        return Response(html, status_code=404, headers=headers, media_type="text/html")

    return handle


PAGES: Mapping[str, tuple[str, ...]] = {
    "create": ("/",),
    "gallery": ("/gallery",),
    "picture": ("/p/{image_id:int}",),
    "editor": ("/p/{image_id:int}/edit",),
    "tasks": ("/tasks", "/tasks/{task_id:str}"),
    "batches": ("/batches", "/batches/{batch_id:str}"),
    "providers": ("/providers", "/providers/{provider_name:str}"),
    "usage": ("/usage",),
    "settings": ("/settings",),
}
"""The addresses by modules in ``pages/``, as in ``ROUTES`` of the console's router.js."""

_POLICY = (
    "default-src 'none'; script-src 'self' {script}; style-src 'self' {style}; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def _route(name: str, paths: tuple[str, ...]) -> HTTPRouteHandler:
    @route(list(paths), http_method=READ, include_in_schema=False)
    async def console(service: ServiceDependency, request: Request[Any, Any, Any]) -> ASGIApp:
        """Return the page to browsers; anybody else has mistaken an address for one of the API."""
        if paths != ("/",) and not accepts_page(request.headers.get("accept", "")):
            raise NotFoundException
        language, has_login = asgi.language.get(), service.settings.server.auth_token is not None
        digest = await console_files().digest()
        content, policy = await asyncio.to_thread(_page, name, digest, language.tag, has_login=has_login)
        headers = {
            "content-language": language.tag,
            "content-security-policy": policy,
            "vary": "Accept, Accept-Language",
        }
        return content.response(headers=headers)

    return console


@route("/console/{path:path}", http_method=READ, include_in_schema=False)
async def console_file(path: FromPath[str]) -> ASGIApp:
    """Return one of the page's files; one with the digest in its address is never asked for again."""
    files, path = console_files(), path.removeprefix("/")
    digest, _, rest = path.partition("/")
    if digest == await files.digest():
        return (await files.content(rest)).response(cache_control=asgi.FOREVER)
    return (await files.content(path)).response()


HANDLERS = [*(_route(name, paths) for name, paths in PAGES.items()), console_file]
