"""The HTML of the login page: no script, no external resource."""

import base64
import hashlib
import html
from collections.abc import Mapping

from imagegen_core.messages import Language

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;"
    "background:#f5f5f7;color:#1d1d1f}main{width:min(22rem,90vw)}h1{font-size:1.4rem}"
    "label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}"
    "input,button{padding:.6rem .8rem;margin:.4rem 0 1rem;border:1px solid #6e6e73;border-radius:.5rem}"
    "button{background:#0058b0;border-color:#0058b0;color:#fff;cursor:pointer}"
    ":focus-visible{outline:3px solid #0058b0;outline-offset:2px}[role=alert]{color:#b00020}"
    "@media(prefers-color-scheme:dark){body{background:#1d1d1f;color:#f5f5f7}"
    "input{background:#2c2c2e;color:inherit}[role=alert]{color:#ff9aa2}"
    ":focus-visible{outline-color:#7db8ff}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

CSP = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)

_PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · imagegen</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{problem}<form method="post" action="/login">
<label for="password">{label}</label>
<input id="password" name="password" type="password" required autofocus
 autocomplete="current-password"{invalid}>
<input type="hidden" name="next" value="{next}">
<button type="submit">{button}</button>
</form>
</main>
</body>
</html>
"""
_TEXTS: Mapping[Language, Mapping[str, str]] = {
    Language.ZH: {"lang": "zh-CN", "title": "登录", "label": "访问令牌", "button": "登录"},
    Language.EN: {"lang": "en", "title": "Log in", "label": "Access token", "button": "Log in"},
}
_WRONG = {Language.ZH: "访问令牌不正确", Language.EN: "The access token is not correct"}


def render(language: Language, *, wrong: bool, target: str) -> bytes:
    """Return the page; ``wrong`` after a failed attempt; ``target`` is the path that a login redirects to."""
    return _PAGE.format(
        **_TEXTS[language],
        style=_STYLE,
        problem=f'<p id="problem" role="alert">{_WRONG[language]}</p>\n' if wrong else "",
        invalid=' aria-invalid="true" aria-describedby="problem"' if wrong else "",
        next=html.escape(target),
    ).encode()
