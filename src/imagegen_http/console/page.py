"""The console's one page, which its script turns into all others."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import cache

from imagegen_core.messages import Language
from imagegen_http.asgi.static_content import StaticContent
from imagegen_http.asgi.static_folder import StaticFolder
from imagegen_http.console.module_graph import entries, needed
from imagegen_http.guard.plain_page import language_tag

PRELOADS = "<!-- modulepreload -->"
"""Where the page gets the addresses of what it needs; without them a browser finds one after the other."""

_LANG = 'lang="zh-CN"'
_LOGOUT = 'action="/logout" hidden'


@cache
def console_files() -> StaticFolder:
    """Return the console's files, which all requests share."""
    return StaticFolder("console", comments=False)


async def console_page(name: str, language: Language, *, has_login: bool) -> StaticContent:
    """Return the page as it is to begin, in the reader's language; with a logout if a login is required.

    ``name`` is that of a module in ``pages/``, which the script loads for this address, with the style of
    that name.
    """
    digest = await console_files().digest()
    return await asyncio.to_thread(_page, name, digest, language_tag(language), has_login=has_login)


@cache
def _page(name: str, digest: str, lang: str, *, has_login: bool) -> StaticContent:
    files = console_files()
    html = files.text("index.html").replace(_LANG, f'lang="{lang}"')
    if has_login:
        html = html.replace(_LOGOUT, _LOGOUT.removesuffix(" hidden"))
    modules = {path: files.text(path) for path in files.paths if path.endswith(".js")}
    later = (path for path in (f"pages/{name}.js", f"css/{name}.css") if path in files.paths)
    return StaticContent.compress(
        complete(html, modules, digest, later=later).encode(), "text/html; charset=utf-8"
    )


def complete(html: str, modules: Mapping[str, str], digest: str, *, later: Iterable[str] = ()) -> str:
    """Return the page with its modules announced, and with the digest of all files in their addresses.

    So a browser asks for all modules at once, also for those and the styles that the script loads ``later``.
    It keeps them for good, and no page gets a module of another version than its others.
    """
    later, starts = tuple(later), entries(html)
    announced = [path for path in needed((*starts, *later), modules) if path not in starts]
    links = [
        *(f'<link rel="preload" as="style" href="/console/{path}">' for path in later if path not in modules),
        *(f'<link rel="modulepreload" href="/console/{path}">' for path in announced),
    ]
    return html.replace(PRELOADS, "\n".join(links)).replace('"/console/', f'"/console/{digest}/')
