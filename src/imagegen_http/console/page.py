"""The console's one page, which its script turns into all others."""

import asyncio
from collections.abc import Mapping
from functools import cache

from imagegen_http.asgi.static_content import StaticContent
from imagegen_http.asgi.static_folder import StaticFolder
from imagegen_http.console.module_graph import entries, imported

PRELOADS = "<!-- modulepreload -->"
"""Where the page gets the addresses of its modules; without them a browser finds one after the other."""

_LOGOUT = 'action="/logout" hidden'


@cache
def console_files() -> StaticFolder:
    """Return the console's files, which all requests share."""
    return StaticFolder("console")


async def console_page(*, has_login: bool) -> StaticContent:
    """Return the page; with a logout button if a login is required."""
    return await asyncio.to_thread(_console_page, await console_files().digest(), has_login=has_login)


@cache
def _console_page(digest: str, *, has_login: bool) -> StaticContent:
    files = console_files()
    html = files.text("index.html")
    if has_login:
        html = html.replace(_LOGOUT, _LOGOUT.removesuffix(" hidden"))
    modules = {path: files.text(path) for path in files.paths if path.endswith(".js")}
    return StaticContent.compress(complete(html, modules, digest).encode(), "text/html; charset=utf-8")


def complete(html: str, modules: Mapping[str, str], digest: str) -> str:
    """Return the page with its modules announced, and with the digest of all files in their addresses.

    So a browser keeps them for good, and no page gets a module of another version than its others.
    """
    preloads = (
        f'<link rel="modulepreload" href="/console/{path}">' for path in imported(entries(html), modules)
    )
    return html.replace(PRELOADS, "\n".join(preloads)).replace('"/console/', f'"/console/{digest}/')
