"""The console: one page, which its script turns into all others, over the public API."""

import asyncio
import itertools
import posixpath
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
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
from imagegen_http.guard.static import StaticContent, StaticFolder, without_comments

_ENTRY = "app.js"
_IMPORT = re.compile(r"""\bimport\s*(?:(\w+|\{[^}]*\})\s*from\s*)?["'](\.{1,2}/[^"'\s]+)["'];?""")
_LATER = re.compile(r"""\bimport\(\s*["'](\.{1,2}/[^"']+)["']""")
_EXPORT = re.compile(r"""\bexport\s*\{([^}]*)\}(?:\s*from\s*["']([^"'\s]+)["'])?;?""")
_DECLARED = re.compile(r"^export (?=(?:async )?(?:const|class|function) (\w+))", re.MULTILINE)
_RENAMED = re.compile(r"([\w$]+)\s+as\s+([\w$]+)")
_LISTED = re.compile(r"([\w$]+)(?:\s+as\s+([\w$]+))?")


def _target(path: str, specifier: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))


def imports(sources: Mapping[str, str]) -> Mapping[str, list[str]]:
    """Return of each module those that it needs before it runs; paths beyond ``sources`` are left out."""
    matches = {path: _IMPORT.findall(source) + _EXPORT.findall(source) for path, source in sources.items()}
    targets = {path: [_target(path, one) for _, one in named if one] for path, named in matches.items()}
    return {path: [one for one in named if one in sources] for path, named in targets.items()}


def needed(start: str, imported: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return a module after all that it imports."""
    order: dict[str, None] = {}

    def take(path: str, above: frozenset[str]) -> None:
        for target in imported[path]:
            if target not in order and target not in above:
                take(target, above | {path})
        order[path] = None

    take(start, frozenset())
    return tuple(order)


def bundles(pages: Iterable[str], sources: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    """Return what is sent with each module that is loaded by itself: what it needs and is not there yet.

    Those are the entry, ``pages``, and what is imported later; there is what every way to it has brought.
    """
    imported = imports(sources)
    later = {path: [_target(path, one) for one in _LATER.findall(text)] for path, text in sources.items()}
    starts = dict.fromkeys(pages, frozenset(needed(_ENTRY, imported))) | {_ENTRY: frozenset()}
    waiting = list(starts)
    for start in waiting:
        members = needed(start, imported)
        brought = starts[start].union(members)
        for target in itertools.chain.from_iterable(later[path] for path in members):
            if starts.get(target) != (common := starts.get(target, brought) & brought):
                starts[target] = common
                waiting.append(target)
    return {
        start: tuple(path for path in needed(start, imported) if path not in brought)
        for start, brought in starts.items()
    }


_BEGIN = """const $root=new URL("{}",import.meta.url),$m=(globalThis.$m??={{}});
const $import=(folder,path)=>import(new URL(path,new URL(folder,$root)));"""
_RUN = '$m["{path}"]??=(()=>{{\n{body}\nreturn{{{names}}}}})();'
_RUN_WAITING = '$m["{path}"]=await($m["{path}"]??=(async()=>{{\n{body}\nreturn{{{names}}}}})());'
_WAITS = re.compile(r"^await ", re.MULTILINE)


def joined(start: str, members: Iterable[str], sources: Mapping[str, str]) -> str:
    """Return one module that runs each of ``members`` unless it has run, and exports what ``start`` does."""
    parts = [_BEGIN.format("../" * start.count("/") or "./")]
    for path in members:
        body, names = _as_function(path, sources[path])
        form = _RUN_WAITING if _WAITS.search(body) else _RUN
        parts.append(body if path == _ENTRY else form.format(path=path, body=body, names=",".join(names)))
    for name in (name.partition(":")[0] for name in _as_function(start, sources[start])[1]):
        as_name = "default " if name == "default" else f"const {name}="
        parts.append(f'export {as_name}$m["{start}"].{name};')
    return "\n".join(parts)


def _as_function(path: str, source: str) -> tuple[str, list[str]]:
    """Return a module as the body of a function, and what it exports, as properties of an object."""
    names = _DECLARED.findall(source)

    def bind(match: re.Match[str]) -> str:
        listing, specifier = match.groups()
        properties = _RENAMED.sub(r"\1:\2", listing or "")
        properties = properties if properties[:1] in {"", "{"} else f"{{default:{properties}}}"
        return properties and f'const{properties}=$m["{_target(path, specifier)}"];'

    def export(match: re.Match[str]) -> str:
        listing, specifier = match.groups()
        module = f'$m["{_target(path, specifier)}"].' if specifier else ""
        for inner, outer in _LISTED.findall(listing):
            names.append(f"{outer or inner}:{module}{inner}")
        return ""

    body = _DECLARED.sub("", _EXPORT.sub(export, _IMPORT.sub(bind, source)))
    if "export default " in body:
        body = body.replace("export default ", "const $default=", 1)
        names.append("default:$default")
    folder = posixpath.dirname(path)
    body = body.replace("import.meta.url", f'new URL("{path}",$root)')
    return re.sub(r"\bimport\(", f'$import("{folder}/",' if folder else '$import("./",', body), names


PRELOADS = "<!-- modulepreload -->"
"""Where the page gets its preloads; without them a browser finds one module after the other."""


@cache
def console_files() -> StaticFolder:
    return StaticFolder("console", comments=False, made_by=Path(__file__))


@cache
def _sources() -> Mapping[str, str]:
    files = console_files()
    return {path: files.text(path) for path in files.paths if path.endswith(".js")}


@cache
def _bundles() -> Mapping[str, tuple[str, ...]]:
    return bundles([f"pages/{name}.js" for name in (*PAGES, "nowhere")], _sources())


@cache
def _bundle(path: str) -> StaticContent:
    """Return a module that is loaded by itself with what it needs."""
    text = joined(path, _bundles()[path], _sources())
    return StaticContent.compress(without_comments(text.encode()), "text/javascript; charset=utf-8")


@cache
def _page(name: str, digest: str, lang: str, *, login: bool, trash: bool) -> tuple[StaticContent, str]:
    """Return the page of ``pages/<name>.js`` in the reader's language, with a logout if there is a login.

    Its policy allows the scripts and the styles that are in the page, by their digests.
    """
    files = console_files()
    hidden, mark = "" if login else " hidden", "" if trash else " data-no-trash"
    html = files.text("index.html").replace('lang="zh-CN"', f'lang="{lang}"{mark}')
    says = [one for one in (name, *_others("lib/i18n.js", name)) if f"i18n/zh/{one}.js" in files.paths]
    html = html.replace('data-says=""', f'data-says="{" ".join(["", *says])}"')
    asks = escape(" ".join(_ASKED + _ASKED_BY.get(name, ())))
    html = html.replace('data-asks=""', f'data-asks="{asks}"').replace(" hidden>", f"{hidden}>")
    for path in ("css/first.css", "css/early.css"):
        style = re.sub(r"/\*.*?\*/", "", files.text(path), flags=re.DOTALL)
        html = html.replace(f"/* {path} */", re.sub(r"\s*([{};,])\s+", r"\1", style).replace(": ", ":"))
    for part in ("surroundings", name):
        shown = [_early(part, tag, says) for tag in sorted(("en", "zh-CN"), key=lang.__ne__)]
        html = html.replace("<!-- early -->", "".join(shown), 1)
    styles = [f"css/{one}.css" for one in (*_others("lib/router.js", name), name)]
    first = [f"i18n/{lang[:2]}.js", *styles, f"pages/{name}.js"]  # in this order on a slow line
    html = complete(html, digest, later=[path for path in first if path in files.paths])
    html = without_comments(re.sub(r"<!-- .*? -->\n", "", html).encode()).decode()
    digests = {"script": "", "style": ""}
    for kind, text in re.findall(r"<(script|style)>(.*?)</\1>", html, re.DOTALL):
        digests[kind] += f" 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
    return StaticContent.compress(html.encode(), "text/html; charset=utf-8"), _POLICY.format(**digests)


def _early(part: str, tag: str, says: Iterable[str]) -> str:
    """Return what a page shows in this language before its scripts have come: see ``early.html``."""
    parts = dict(one.split(" -->\n", 1) for one in console_files().text("early.html").split("<!-- ")[1:])
    html = parts.get(part) or parts["others"].replace("{name}", part)
    html = html.replace("<svg>", '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">')
    spoken = (f"i18n/{tag[:2]}{one and '/'}{one}.js" for one in ("", *says))
    sentences = "".join(_sources()[path] for path in ("parts/basics.js", *spoken))

    def sentence(match: re.Match[str]) -> str:
        entry = re.search(rf'\b{match[1]}(?::| =) {{\n(?:.*\n)*? +{match[2]}: "(.*)"', sentences)
        return escape(cast("re.Match[str]", entry)[1])

    html = re.sub(r"\{(\w+)\.(\w+)\}", sentence, html.replace("{lang}", tag))
    return f'<div class="early" lang="{tag}">{html}</div>\n'


def _others(path: str, name: str) -> list[str]:
    """Return what a page needs beside what has its own name, as a module says it."""
    listed = re.search(rf"^const OTHERS = .*\b{name}: \[([^\]]*)\]", _sources()[path], re.MULTILINE)
    return re.findall(r"\w+", listed[1]) if listed else []


def complete(html: str, digest: str, *, later: Iterable[str] = ()) -> str:
    """Preload what is loaded ``later``, and put a digest into all addresses.

    So browsers keep them for good, and no page mixes modules of two versions.
    """
    kinds = {"js": 'modulepreload"', "css": 'preload" as="style"'}
    links = (f'<link rel="{kinds[path.rpartition(".")[2]]} href="/console/{path}">' for path in later)
    return html.replace(PRELOADS, "\n".join(links)).replace('"/console/', f'"/console/{digest}/')


_MISSING = {
    Language.ZH: ("没有这个页面", "地址可能有误，或者页面已不存在。", "返回首页"),
    Language.EN: ("There is no such page", "It is gone, or its address is mistyped.", "To the start page"),
}


def with_missing_page(answer: Handler) -> Callable[[Request[Any, Any, Any], Any], Response[Any]]:
    """Answer a navigation to an unknown address with a page; ``/api``, ``/v1`` and ``/mcp`` stay JSON."""

    def handle(request: Request[Any, Any, Any], error: Any) -> Response[Any]:
        head = InboundRequest.from_scope(cast("Scope", request.scope))
        is_page = isinstance(error, NotFoundException) and accepts_page(head.header(b"accept"))
        if head.is_api or not is_page:
            return answer(request, error)
        language = asgi.language.get()
        title, reason, back = _MISSING[language]
        body = f'<p>{reason}</p>\n<p><a class="button" href="/">{back}</a></p>'
        html = pages.plain_page(language, title=title, body=body)
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

_TASKS = "/api/v1/tasks"
_ASKED = ("/api/v1/providers?preset_models=false", f"{_TASKS}/counts")
_ASKED_BY: Mapping[str, tuple[str, ...]] = {
    "create": (
        f"{_TASKS}?status=processing&page_size=20",
        f"{_TASKS}?status=pending&page_size=20",
        f"{_TASKS}?status=completed&page_size=12",
    ),
    "gallery": ("/api/v1/images?page_size=100",),
    "picture": ("/api/v1/images/{id}/thumbnail", "/api/v1/images/{id}"),
}
"""What a page asks for first: asked for while its script is on its way."""

_POLICY = (
    "default-src 'none'; script-src 'self'{script}; style-src 'self'{style}; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def _route(name: str, paths: tuple[str, ...]) -> HTTPRouteHandler:
    @route(list(paths), http_method=READ, include_in_schema=False)
    async def console(service: ServiceDependency, request: Request[Any, Any, Any]) -> ASGIApp:
        """Return the page to browsers; anybody else has mistaken an address for one of the API."""
        if paths != ("/",) and not accepts_page(request.headers.get("accept", "")):
            raise NotFoundException
        language, settings = asgi.language.get(), service.settings
        has = {"login": settings.server.auth_token is not None, "trash": settings.storage.trash_days > 0}
        digest = await console_files().digest()
        content, policy = await asyncio.to_thread(_page, name, digest, language.tag, **has)
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
        if rest in await asyncio.to_thread(_bundles):
            return (await asyncio.to_thread(_bundle, rest)).response(cache_control=asgi.FOREVER)
        return (await files.content(rest)).response(cache_control=asgi.FOREVER)
    return (await files.content(path)).response()


HANDLERS = [*(_route(name, paths) for name, paths in PAGES.items()), console_file]
