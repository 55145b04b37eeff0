"""Pages of one piece, with no script and no other file: they look like the console and work without it."""

import base64
import hashlib

from imagegen_core.messages import Language

_STYLE = (
    "body{font:16px/1.6 system-ui,'PingFang SC','Noto Sans CJK SC',sans-serif;margin:0;min-height:100vh;"
    "display:grid;place-items:center;background:#f6f6f4;color:#1b1b1e}main{width:min(22rem,90vw)}"
    "h1{font-size:1.25rem}label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}"
    "input,button,.button{min-height:44px;padding:.5rem .8rem;margin:.4rem 0 1rem;border:1px solid #85858c;"
    "border-radius:10px;box-sizing:border-box}input{background:#fff;color:inherit}"
    "button,.button{background:#2f5bd7;border-color:#2f5bd7;color:#fff;cursor:pointer}"
    ".button{display:inline-block;text-decoration:none}"
    ":focus-visible{outline:3px solid #2f5bd7;outline-offset:2px}[role=alert]{color:#b3261e}"
    "@media(prefers-color-scheme:dark){body{background:#141416;color:#f2f2f3}"
    "input{background:#1d1d20;border-color:#7a7a83}[role=alert]{color:#ff9a93}"
    "button,.button{background:#8fb0ff;border-color:#8fb0ff;color:#0e1a3a}"
    ":focus-visible{outline-color:#8fb0ff}}"
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
<meta name="color-scheme" content="light dark">
<title>{title} · imagegen</title>{head}
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def language_tag(language: Language) -> str:
    """Return the language as HTML and HTTP name it."""
    return "en" if language is Language.EN else "zh-CN"


def render(language: Language, *, title: str, body: str, head: str = "") -> bytes:
    """Return the page; ``title``, ``body`` and what its ``head`` has besides are HTML."""
    lang = language_tag(language)
    return _PAGE.format(lang=lang, title=title, body=body, head=head, style=_STYLE).encode()
